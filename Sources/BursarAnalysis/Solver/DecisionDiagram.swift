/// Sets of requests as ordered, reduced decision diagrams. A node has one branch for each cell of its variable.
///
/// Equal sets are the same node, so emptiness, equality and implication are comparisons of numbers. See R. E. Bryant,
/// "Graph-Based Algorithms for Boolean Function Manipulation", IEEE Transactions on Computers, 1986, for two branches.
package final class DecisionDiagram {
    /// A set, identified by the index of its root.
    package struct Node: Hashable {
        var index: Int32

        package static let none = Node(index: 0)
        package static let all = Node(index: 1)
    }

    /// The operation exceeds the maximum of nodes or steps, so the question is undecided.
    package struct TooLarge: Error {}

    /// Several times the need of 200 narrow rules over 12 attributes; about 100 MiB.
    package static let defaultLimit = 2_000_000

    private var store: NodeStore

    /// The maximum number of branches of all nodes; four bytes each.
    private static let childLimit = 16_000_000

    init(cellCounts: [Int], limit: Int = DecisionDiagram.defaultLimit, steps: Int = Effort.solver) {
        store = NodeStore(cellCounts: cellCounts, limit: limit, childLimit: Self.childLimit, steps: steps)
    }

    /// Counts work of the caller.
    func spend(_ steps: Int) throws(TooLarge) { try store.spend(steps) }

    /// The remaining steps.
    var stepsLeft: Int { store.stepsLeft }

    /// The first variable that the set depends on; nil for the empty and the full set.
    func variable(of node: Node) -> Int? { node.index < 2 ? nil : store.variable(of: node.index) }

    /// The subset for one cell of the first variable, as a set over the other variables.
    func child(of node: Node, _ cell: Int) -> Node { Node(index: store.child(of: node.index, cell)) }

    /// The requests whose variable has one of the cells.
    func set(_ variable: Int, _ isIn: (Int) -> Bool) throws(TooLarge) -> Node {
        try store.spend(store.cellCounts[variable])
        let kids = (0..<store.cellCounts[variable]).map { isIn($0) ? Int32(1) : 0 }
        return Node(index: try store.make(Int32(variable), kids))
    }

    package func intersection(_ left: Node, _ right: Node) throws(TooLarge) -> Node {
        try store.spend(1)
        return Node(index: try store.combine(left.index, right.index, .intersection))
    }

    package func union(_ left: Node, _ right: Node) throws(TooLarge) -> Node {
        try store.spend(1)
        return Node(index: try store.combine(left.index, right.index, .union))
    }

    package func difference(_ left: Node, _ right: Node) throws(TooLarge) -> Node {
        try store.spend(1)
        return Node(index: try store.combine(left.index, right.index, .difference))
    }

    package func complement(_ node: Node) throws(TooLarge) -> Node { try difference(.all, node) }

    package func isSubset(_ left: Node, of right: Node) throws(TooLarge) -> Bool {
        try difference(left, right) == .none
    }

    /// The cell of each relevant variable in one request of the set, preferring the first cells.
    func example(in node: Node) -> [Int: Int]? {
        guard node != .none else { return nil }
        var chosen: [Int: Int] = [:]
        var node = node
        while let variable = variable(of: node) {
            let cells = 0..<store.cellCounts[variable]
            guard let cell = cells.first(where: { child(of: node, $0) != .none }) else { return nil }
            chosen[variable] = cell
            node = child(of: node, cell)
        }
        return chosen
    }
}

/// The nodes of a diagram, without duplicates. A struct, so that its recursion needs no exclusivity checks.
private struct NodeStore {
    enum Operation: UInt64 { case intersection, union, difference }

    let cellCounts: [Int]
    private let limit: Int
    private let childLimit: Int
    private(set) var stepsLeft: Int
    private var variables: [Int32] = [.max, .max]
    private var starts: [Int32] = [0, 0]
    private var children: [Int32] = []
    private var hashes: [UInt64] = [0, 0]
    /// Hash table of nodes with open addressing; −1 for an unused slot.
    private var table = [Int32](repeating: -1, count: 1 << 10)
    /// Results of operations; a later result overwrites an earlier one with the same hash.
    private var memoKeys = [UInt64](repeating: .max, count: 1 << 10)
    private var memoValues = [Int32](repeating: 0, count: 1 << 10)

    init(cellCounts: [Int], limit: Int, childLimit: Int, steps: Int) {
        self.cellCounts = cellCounts
        self.limit = limit
        self.childLimit = childLimit
        stepsLeft = steps
    }

    mutating func spend(_ steps: Int) throws(DecisionDiagram.TooLarge) {
        guard steps <= stepsLeft else {
            stepsLeft = 0
            throw DecisionDiagram.TooLarge()
        }
        stepsLeft -= steps
    }

    func variable(of node: Int32) -> Int { Int(variables[Int(node)]) }

    func child(of node: Int32, _ cell: Int) -> Int32 { children[Int(starts[Int(node)]) + cell] }

    mutating func make(_ variable: Int32, _ kids: [Int32]) throws(DecisionDiagram.TooLarge) -> Int32 {
        var isUniform = true
        var hash = Self.mix(UInt64(UInt32(bitPattern: variable)))
        for kid in kids {
            if kid != kids[0] { isUniform = false }
            hash = Self.mix(hash ^ UInt64(UInt32(bitPattern: kid)))
        }
        if isUniform { return kids[0] }
        var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[slot] >= 0 {
            let index = Int(table[slot])
            if hashes[index] == hash, isEqual(index, variable, kids) { return table[slot] }
            slot = (slot + 1) & (table.count - 1)
        }
        guard variables.count < limit, children.count + kids.count <= childLimit else {
            throw DecisionDiagram.TooLarge()
        }
        let index = Int32(variables.count)
        variables.append(variable)
        starts.append(Int32(children.count))
        children += kids
        hashes.append(hash)
        table[slot] = index
        if variables.count * 2 > table.count { grow() }
        return index
    }

    private mutating func grow() {
        table = [Int32](repeating: -1, count: table.count * 2)
        for index in 2..<variables.count {
            var slot = Int(truncatingIfNeeded: hashes[index]) & (table.count - 1)
            while table[slot] >= 0 { slot = (slot + 1) & (table.count - 1) }
            table[slot] = Int32(index)
        }
        // Growing clears the cached results.
        memoKeys = [UInt64](repeating: .max, count: table.count)
        memoValues = [Int32](repeating: 0, count: table.count)
    }

    private func isEqual(_ index: Int, _ variable: Int32, _ kids: [Int32]) -> Bool {
        guard variables[index] == variable else { return false }
        let start = Int(starts[index])
        for (offset, kid) in kids.enumerated() where children[start + offset] != kid { return false }
        return true
    }

    /// The recursion is bounded by the number of variables, which `RequestSpace` bounds.
    mutating func combine(
        _ left: Int32, _ right: Int32, _ operation: Operation
    ) throws(DecisionDiagram.TooLarge) -> Int32 {
        // 0 is the empty set and 1 is the full set.
        switch operation {
        case .intersection:
            if left == right || right == 1 { return left }
            if left == 0 || right == 0 { return 0 }
            if left == 1 { return right }
        case .union:
            if left == right || right == 0 { return left }
            if left == 1 || right == 1 { return 1 }
            if left == 0 { return right }
        case .difference:
            if left == right || left == 0 || right == 1 { return 0 }
            if right == 0 { return left }
        }
        let isSwapped = operation != .difference && left > right
        let (a, b) = isSwapped ? (right, left) : (left, right)
        let key = UInt64(UInt32(bitPattern: a)) << 34 | UInt64(UInt32(bitPattern: b)) << 2 | operation.rawValue
        let place = Int(truncatingIfNeeded: Self.mix(key)) & (memoKeys.count - 1)
        if memoKeys[place] == key { return memoValues[place] }
        let top = min(variables[Int(a)], variables[Int(b)])
        let count = cellCounts[Int(top)]
        try spend(count + 1)
        var kids: [Int32] = []
        kids.reserveCapacity(count)
        for cell in 0..<count {
            let first = variables[Int(a)] == top ? children[Int(starts[Int(a)]) + cell] : a
            let second = variables[Int(b)] == top ? children[Int(starts[Int(b)]) + cell] : b
            kids.append(try combine(first, second, operation))
        }
        let made = try make(top, kids)
        let after = Int(truncatingIfNeeded: Self.mix(key)) & (memoKeys.count - 1)
        memoKeys[after] = key
        memoValues[after] = made
        return made
    }

    /// The finalizer of SplitMix64: every input bit affects every output bit.
    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
