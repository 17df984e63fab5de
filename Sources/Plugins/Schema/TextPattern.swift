/// A regular expression after JSON Schema's advice (ECMA-262 without look-around and back references), matched in time
/// linear in the text: patterns come from strangers' plugins, texts from models.
///
/// Knows: literals, `.`, `[…]`, `\d \w \s` and their opposites, escapes, `^ $`, `( )`, `(?: )`, `|`, `* + ? {m,n}`.
struct TextPattern: Sendable {
    struct SyntaxError: Error, Equatable {
        var reason: String
    }

    /// One character class: ranges of scalars, or everything but them.
    struct Class: Sendable, Equatable {
        var ranges: [ClosedRange<UInt32>]
        var negated = false

        func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != negated }
    }

    enum Instruction: Sendable, Equatable {
        case character(Class)
        case start, end
        /// Goes on in two places.
        case split(Int, Int)
        case jump(Int)
        case accept
    }

    /// Bounded so that `{1000}{1000}` does not fill the memory.
    static let maximumInstructions = 2_000

    private let program: [Instruction]

    init(_ source: String) throws(SyntaxError) {
        var parser = TextPatternParser(source)
        program = try parser.parse()
    }

    /// Whether it matches anywhere in the text (it is not anchored).
    func occurs(in text: String) -> Bool {
        let scalars = text.unicodeScalars.map(\.value)
        var current = ThreadList(program.count), next = ThreadList(program.count)
        for position in 0...scalars.count {
            if add(0, to: &current, position, scalars.count) { return true }
            guard position < scalars.count else { return false }
            for index in current.members {
                guard case .character(let set) = program[index], set.contains(scalars[position]) else { continue }
                if add(index + 1, to: &next, position + 1, scalars.count) { return true }
            }
            swap(&current, &next)
            next.clear()
        }
        return false
    }

    /// Follows the jumps from `start`; true when the pattern is through.
    private func add(_ start: Int, to list: inout ThreadList, _ position: Int, _ count: Int) -> Bool {
        var pending = [start]
        while let index = pending.popLast() {
            guard list.insert(index) else { continue }
            switch program[index] {
            case .accept: return true
            case .character: break
            case .jump(let target): pending.append(target)
            case .split(let first, let second): pending += [second, first]
            case .start: if position == 0 { pending.append(index + 1) }
            case .end: if position == count { pending.append(index + 1) }
            }
        }
        return false
    }
}

/// The places in the program that are alive, each once.
private struct ThreadList {
    private(set) var members: [Int] = []
    private var isMember: [Bool]

    init(_ count: Int) { isMember = Array(repeating: false, count: count) }

    mutating func insert(_ index: Int) -> Bool {
        if isMember[index] { return false }
        isMember[index] = true
        members.append(index)
        return true
    }

    mutating func clear() {
        for index in members { isMember[index] = false }
        members.removeAll(keepingCapacity: true)
    }
}
