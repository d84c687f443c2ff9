import Glibc

/// `apigen [--root DIR] [--check]`: writes the generated Swift files of all schema files, or says which differ.
@main
struct Apigen {
    /// Where schema files are, from the root.
    private static let schemaFolders = ["Sources/API/Schema", "Sources/CRI/Schema"]

    private var root = "."
    private var isCheck = false

    static func main() {
        do {
            var tool = Apigen()
            try tool.parse(Array(CommandLine.arguments.dropFirst()))
            exit(try tool.run() ? 0 : 1)
        } catch {
            Files.complain("apigen: \(error)")
            exit(2)
        }
    }

    private mutating func parse(_ arguments: [String]) throws(Failure) {
        var rest: ArraySlice<String> = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--check": isCheck = true
            case "--root":
                guard let folder = rest.popFirst() else { throw Failure("--root wants a folder") }
                root = folder
            default: throw Failure("usage: apigen [--root DIR] [--check]")
            }
        }
    }

    /// False if a check found differences.
    private func run() throws(Failure) -> Bool {
        var groups: [Group] = []
        for folder in Self.schemaFolders {
            for name in Files.names(in: root + "/" + folder) where name.hasSuffix(".yaml") {
                let path: String = folder + "/" + name
                guard let bytes = try Files.read(root + "/" + path) else { continue }
                groups.append(try SchemaLoader.load(bytes, path: path, stem: String(name.dropLast(5))))
            }
        }
        guard !groups.isEmpty else { throw Failure("no schema files below \(root)") }
        let generator = Generator(catalog: try Catalog(groups))
        var differing: [String] = []
        var known: Set<String> = []
        for (path, text) in generator.files() {
            known.insert(path)
            let wanted: [UInt8] = Array(text.utf8)
            if try Files.read(root + "/" + path) == wanted { continue }
            differing.append(path)
            if !isCheck { try Files.write(wanted, to: root + "/" + path) }
        }
        for path in stray(known, groups) {
            differing.append(path)
            if !isCheck { try Files.remove(root + "/" + path) }
        }
        for path in differing { Files.say(isCheck ? "\(path) is out of date" : path) }
        return !isCheck || differing.isEmpty
    }

    /// Files in the output folders that no schema file makes any more.
    private func stray(_ known: Set<String>, _ groups: [Group]) -> [String] {
        var result: [String] = []
        for folder in Set(groups.map { $0.output }).sorted() {
            for name in Files.names(in: root + "/" + folder) where name.hasSuffix(".swift") {
                let path: String = folder + "/" + name
                if !known.contains(path) { result.append(path) }
            }
        }
        return result
    }
}
