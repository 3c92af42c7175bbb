/// Sets of requests as ordered, reduced decision diagrams with as many branches a node as its variable has cells.
///
/// Equal sets are the same node, so that emptiness, equality and implication are comparisons of numbers. See R. E. Bryant,
/// "Graph-Based Algorithms for Boolean Function Manipulation", IEEE Transactions on Computers, 1986, for two branches.
struct DecisionDiagram {
    /// A set; its number is the place of its root.
    struct Node: Hashable {
        var index: Int32

        static let none = Node(index: 0)
        static let all = Node(index: 1)
    }

    /// More than `limit` nodes: what was asked is not decided.
    struct TooLarge: Error {}

    /// Enough for 200 narrow rules over 12 attributes several times over; about 100 MiB.
    static let defaultLimit = 2_000_000

    private let cellCounts: [Int]
    private let limit: Int
    private var variables: [Int32] = [.max, .max]
    private var starts: [Int32] = [0, 0]
    private var children: [Int32] = []
    private var table: [Int32] = []
    private var memo: [UInt64: Int32] = [:]

    init(cellCounts: [Int], limit: Int = DecisionDiagram.defaultLimit) {
        self.cellCounts = cellCounts
        self.limit = limit
        table = [Int32](repeating: -1, count: 1 << 12)
    }

    var nodeCount: Int { variables.count }

    /// The variable that a set asks first; nil for none and all.
    func variable(of node: Node) -> Int? { node.index < 2 ? nil : Int(variables[Int(node.index)]) }

    /// The rest of the set where its variable has a cell.
    func child(of node: Node, _ cell: Int) -> Node {
        Node(index: children[Int(starts[Int(node.index)]) + cell])
    }

    /// The requests whose variable is in one of the cells.
    mutating func set(_ variable: Int, _ isIn: (Int) -> Bool) throws(TooLarge) -> Node {
        try make(Int32(variable), (0..<cellCounts[variable]).map { isIn($0) ? 1 : 0 })
    }

    mutating func intersection(_ left: Node, _ right: Node) throws(TooLarge) -> Node {
        Node(index: try combine(left.index, right.index, isUnion: false))
    }

    mutating func union(_ left: Node, _ right: Node) throws(TooLarge) -> Node {
        Node(index: try combine(left.index, right.index, isUnion: true))
    }

    mutating func complement(_ node: Node) throws(TooLarge) -> Node {
        Node(index: try negate(node.index))
    }

    mutating func difference(_ left: Node, _ right: Node) throws(TooLarge) -> Node {
        try intersection(left, try complement(right))
    }

    mutating func isSubset(_ left: Node, of right: Node) throws(TooLarge) -> Bool {
        try difference(left, right) == .none
    }

    /// Cells by variable of one request in the set, the first cells first; variables that do not matter are left out.
    func example(in node: Node) -> [Int: Int]? {
        guard node != .none else { return nil }
        var chosen: [Int: Int] = [:]
        var node = node
        while let variable = variable(of: node) {
            guard let cell = (0..<cellCounts[variable]).first(where: { child(of: node, $0) != .none }) else {
                return nil
            }
            chosen[variable] = cell
            node = child(of: node, cell)
        }
        return chosen
    }

    // MARK: - Nodes

    private mutating func make(_ variable: Int32, _ kids: [Int32]) throws(TooLarge) -> Node {
        if kids.allSatisfy({ $0 == kids[0] }) { return Node(index: kids[0]) }
        var hasher = Hasher()
        hasher.combine(variable)
        for kid in kids { hasher.combine(kid) }
        let hash = hasher.finalize()
        var slot = hash & (table.count - 1)
        while table[slot] >= 0 {
            if isEqual(table[slot], variable, kids) { return Node(index: table[slot]) }
            slot = (slot + 1) & (table.count - 1)
        }
        guard variables.count < limit else { throw TooLarge() }
        let index = Int32(variables.count)
        variables.append(variable)
        starts.append(Int32(children.count))
        children += kids
        table[slot] = index
        hashes.append(hash)
        if variables.count * 2 > table.count { grow() }
        return Node(index: index)
    }

    private var hashes: [Int] = [0, 0]

    private mutating func grow() {
        table = [Int32](repeating: -1, count: table.count * 2)
        for index in 2..<variables.count {
            var slot = hashes[index] & (table.count - 1)
            while table[slot] >= 0 { slot = (slot + 1) & (table.count - 1) }
            table[slot] = Int32(index)
        }
    }

    private func isEqual(_ index: Int32, _ variable: Int32, _ kids: [Int32]) -> Bool {
        guard variables[Int(index)] == variable else { return false }
        let start = Int(starts[Int(index)])
        for (offset, kid) in kids.enumerated() where children[start + offset] != kid { return false }
        return true
    }

    // MARK: - Operations; the recursion is as deep as there are variables

    private mutating func combine(_ a: Int32, _ b: Int32, isUnion: Bool) throws(TooLarge) -> Int32 {
        if a == b { return a }
        let (low, high) = a < b ? (a, b) : (b, a)
        // 0 is the empty set and 1 is everything, and they sort first.
        if low == 0 { return isUnion ? high : 0 }
        if low == 1 { return isUnion ? 1 : high }
        let key = UInt64(UInt32(bitPattern: low)) << 33 | UInt64(UInt32(bitPattern: high)) << 1 | (isUnion ? 1 : 0)
        if let known = memo[key] { return known }
        let top = min(variables[Int(low)], variables[Int(high)])
        var kids: [Int32] = []
        kids.reserveCapacity(cellCounts[Int(top)])
        for cell in 0..<cellCounts[Int(top)] {
            let left = variables[Int(low)] == top ? children[Int(starts[Int(low)]) + cell] : low
            let right = variables[Int(high)] == top ? children[Int(starts[Int(high)]) + cell] : high
            kids.append(try combine(left, right, isUnion: isUnion))
        }
        let made = try make(top, kids).index
        memo[key] = made
        return made
    }

    private mutating func negate(_ node: Int32) throws(TooLarge) -> Int32 {
        if node < 2 { return 1 - node }
        // The second number of a pair is never 0, so this key is free.
        let key = UInt64(UInt32(bitPattern: node)) << 33
        if let known = memo[key] { return known }
        let variable = variables[Int(node)]
        var kids: [Int32] = []
        kids.reserveCapacity(cellCounts[Int(variable)])
        for cell in 0..<cellCounts[Int(variable)] {
            kids.append(try negate(children[Int(starts[Int(node)]) + cell]))
        }
        let made = try make(variable, kids).index
        memo[key] = made
        return made
    }
}
