/// A global name, or a member of a global table, that a Lua file uses.
struct NameUse: Sendable, Hashable {
    /// "ws", "ws.exec".
    var name: String
    var line: Int
    var isWrite = false
}

extension LuaChunk {
    /// All uses, in the order of the source.
    var names: [NameUse] {
        var uses: [NameUse] = []
        for function in main.all {
            for (index, instruction) in function.instructions.enumerated() {
                guard let name = function.globalName(instruction) else { continue }
                if instruction.operation == Operation.setGlobal {
                    uses.append(NameUse(name: name, line: instruction.line, isWrite: true))
                } else if let member = function.member(after: index, of: instruction.a) {
                    uses.append(NameUse(name: "\(name).\(member)", line: instruction.line))
                } else {
                    uses.append(NameUse(name: name, line: instruction.line))
                }
            }
        }
        return uses.sorted { ($0.line, $0.name) < ($1.line, $1.name) }
    }

    /// Every text that stands in the file as a constant.
    var texts: Set<String> { Set(main.all.flatMap(\.texts.values)) }
}

extension LuaChunk.Function {
    fileprivate func globalName(_ instruction: LuaChunk.Instruction) -> String? {
        switch instruction.operation {
        case LuaChunk.Operation.getGlobal:
            return upvalue(instruction.b) == "_ENV" ? texts[instruction.c] : nil
        case LuaChunk.Operation.setGlobal:
            return upvalue(instruction.a) == "_ENV" ? texts[instruction.b] : nil
        default: return nil
        }
    }

    private func upvalue(_ index: Int) -> String? { upvalues.indices.contains(index) ? upvalues[index] : nil }

    /// The member that the next instruction takes from a register.
    fileprivate func member(after index: Int, of register: Int) -> String? {
        guard index + 1 < instructions.count else { return nil }
        let next = instructions[index + 1]
        guard next.operation == LuaChunk.Operation.getField, next.b == register else { return nil }
        return texts[next.c]
    }

    /// A host function that is called in a function given to one that cannot wait.
    struct Callback: Hashable {
        var name: String
        var caller: String
        var line: Int
    }

    func callbacks(_ waits: (String) -> Bool) -> Set<Callback> {
        var found: Set<Callback> = []
        var callers: [Int: String] = [:]
        var closures: [Int: Int] = [:]
        for (index, instruction) in instructions.enumerated() {
            switch instruction.operation {
            case LuaChunk.Operation.getGlobal:
                if let name = globalName(instruction), let member = member(after: index, of: instruction.a) {
                    callers[instructions[index + 1].a] = "\(name).\(member)"
                }
            case LuaChunk.Operation.method: callers[instruction.a] = texts[instruction.c].map { "string.\($0)" }
            case LuaChunk.Operation.closure: closures[instruction.a] = instruction.bx
            case LuaChunk.Operation.move: closures[instruction.a] = closures[instruction.b]
            case LuaChunk.Operation.call, LuaChunk.Operation.tailCall:
                // b: the arguments and the function; 0 when the last argument is a call of many results.
                let end = instruction.a + (instruction.b > 0 ? instruction.b : 5)
                if let caller = callers[instruction.a], ["table.sort", "string.gsub"].contains(caller) {
                    for register in instruction.a + 1..<max(end, instruction.a + 1) {
                        guard let number = closures[register], functions.indices.contains(number) else { continue }
                        for (name, line) in functions[number].hostCalls(waits) {
                            found.insert(Callback(name: name, caller: caller, line: line))
                        }
                    }
                }
                callers = callers.filter { $0.key < instruction.a }
                closures = closures.filter { $0.key < instruction.a }
            default: break
            }
        }
        for function in functions { found.formUnion(function.callbacks(waits)) }
        return found
    }

    private func hostCalls(_ waits: (String) -> Bool) -> [(name: String, line: Int)] {
        instructions.enumerated().compactMap { index, instruction in
            guard let name = globalName(instruction) else { return nil }
            let full = member(after: index, of: instruction.a).map { "\(name).\($0)" } ?? name
            return waits(full) ? (full, instruction.line) : nil
        } + functions.flatMap { $0.hostCalls(waits) }
    }
}
