import BursarEngine
import BursarPolicy
import BursarSyntax
import FlatLoop

// One decision through the engine, names resolved, beside the same sums by hand over flat arrays.
// usage: engine-bench POLICIES [TENANTS]

struct CompileFailure: Error {}

/// Nanoseconds a call: the median of rounds, each timed by itself.
func median(_ round: () -> Void, cleaningUp clean: () -> Void = {}) -> Double {
    let clock = ContinuousClock()
    var rounds: [Double] = []
    for _ in 0..<25 {
        let time = clock.measure(round)
        clean()
        let (seconds, attoseconds) = time.components
        rounds.append((Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(calls))
    }
    return rounds.sorted()[rounds.count / 2]
}

/// Numbers of tenants in a random order, the same at every run.
func randomOrder(_ count: Int, below tenants: Int) -> [Int] {
    var state: UInt64 = 1
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(tenants))
    }
}

let time: Int64 = 1_780_272_000_000_000
let calls = 20_000

struct EngineRun {
    let engine: Engine
    var request: Request
    /// In the order of their requests: whoever asks holds the id at hand, as the flat loop holds its number.
    let order: [TenantID]
    var open: [(ReservationID, TenantID)] = []
    private var next = 0
    private let usage = Usage(inputTokens: 10, outputTokens: 8)

    init(_ set: PolicySet, tenants count: Int, _ order: [Int]) {
        engine = Engine(set)
        let engine = engine
        let tenants = (0..<count).map { engine.tenant("tenant-\($0)") }
        self.order = order.map { tenants[$0] }
        request = Request(time: time, tenant: tenants[0], model: engine.symbols.intern("gpt-4o-mini"))
        request[.tier] = engine.symbols.intern("enterprise")
        request[.feature] = engine.symbols.intern("chat")
        request.inputTokens = 10
        request.expectedOutputTokens = 10
        open.reserveCapacity(max(calls, count))
        // Every tenant has been seen before.
        for tenant in tenants {
            request.tenant = tenant
            if let reservation = engine.decide(request).reservation { open.append((reservation, tenant)) }
        }
        settleAll()
    }

    private mutating func nextTenant() {
        request.tenant = order[next]
        next = next + 1 == order.count ? 0 : next + 1
    }

    mutating func decide() {
        for _ in 0..<calls {
            nextTenant()
            if let reservation = engine.decide(request).reservation { open.append((reservation, request.tenant)) }
        }
    }

    mutating func decideAndSettle() {
        for _ in 0..<calls {
            nextTenant()
            guard let reservation = engine.decide(request).reservation else { continue }
            _ = try? engine.settle(reservation, of: request.tenant, usage: usage)
        }
    }

    mutating func settleAll() {
        for (reservation, tenant) in open { _ = try? engine.settle(reservation, of: tenant, usage: usage) }
        open.removeAll(keepingCapacity: true)
    }
}

func measureEngine(_ set: PolicySet, tenants count: Int, _ order: [Int]) -> (decide: Double, settled: Double) {
    var run = EngineRun(set, tenants: count, order)
    let decide = median {
        run.decide()
    } cleaningUp: {
        run.settleAll()
    }
    return (decide, median { run.decideAndSettle() })
}

func measureFlatLoop(tenants count: Int, _ order: [Int]) -> Double {
    var tenants = [flat_tenant](repeating: flat_tenant(), count: count)
    return tenants.withUnsafeMutableBufferPointer { tenants in
        var table = flat_table()
        table.tenants = tenants.baseAddress
        table.day = Micros.day
        table.plans.0.bound = (.max / 2, .max / 2, .max / 2, .max / 2, .max / 2)
        table.plans.0.unit = (0, 0, 1, 2, 0)
        table.prices.3 = flat_price(input: 150_000, cached: 75_000, output: 600_000)
        var admitted: Int32 = 0
        var next = 0
        let nanoseconds = median {
            for _ in 0..<calls {
                admitted &+= flat_decide(&table, UInt32(order[next]), 3, time, 10, 0, 10)
                next = next + 1 == order.count ? 0 : next + 1
            }
        }
        precondition(admitted != 0)
        return nanoseconds
    }
}

guard let set = Compiler.compile(CommandLine.arguments.dropFirst().first ?? "Policies/saas-tiers").set else {
    print("the policies do not compile")
    throw CompileFailure()
}
for count in CommandLine.arguments.dropFirst(2).first.flatMap({ Int($0) }).map({ [$0] }) ?? [1_000, 1_000_000] {
    let order = randomOrder(1_000_000, below: count)
    let flat = measureFlatLoop(tenants: count, order)
    let (decide, settled) = measureEngine(set, tenants: count, order)
    print(
        "\(count) tenants: decide \(Int(decide)) ns, decide and settle \(Int(settled)) ns, "
            + "flat loop \(Int(flat)) ns: \(Int(decide / flat))x")
}
