import APIApply
import APIMachinery
import Codec
import Testing

@Suite struct FieldSetTests {
    private static func set(_ json: String) throws -> FieldSet {
        try JSONReader.decode(FieldSet.self, from: Array(json.utf8))
    }

    @Test func `a set is read and written as upstream writes it`() throws {
        let texts: [String] = [
            "{}",
            #"{"f:spec":{"f:replicas":{}}}"#,
            #"{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{}}}}}"#,
            #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:tags":{"v:\"a\"":{},"v:2":{}}}}"#,
            #"{"f:list":{"i:0":{},"i:12":{}}}"#,
        ]
        for text in texts {
            let set = try Self.set(text)
            if text.contains(#""v:2""#) {
                // Numbers come before strings.
                #expect(String(decoding: set.jsonBytes, as: UTF8.self).contains(#""f:tags":{"v:2":{},"v:\"a\"":{}}"#))
            } else {
                #expect(String(decoding: set.jsonBytes, as: UTF8.self) == text)
            }
        }
    }

    @Test func `what is read in any order is sorted, and twice the same is one`() throws {
        let set = try Self.set(#"{"f:b":{"f:z":{},"f:a":{}},"f:a":{".":{}},"f:b":{"f:q":{}},"x:new":{"f:y":{}}}"#)
        #expect(String(decoding: set.jsonBytes, as: UTF8.self) == #"{"f:a":{},"f:b":{"f:a":{},"f:q":{},"f:z":{}}}"#)
    }

    @Test func `broken names are refused`() {
        for text in [
            #"{"f":{}}"#, #"{"spec":{}}"#, #"{"k:7":{}}"#, #"{"k:{":{}}"#, #"{"v:":{}}"#, #"{"i:x":{}}"#, "[]", "7",
        ] {
            #expect(throws: JSONError.self, "\(text)") { try Self.set(text) }
        }
    }

    @Test func `paths are printed as upstream prints them, members before what is below`() throws {
        let set = try Self.set(
            #"{"f:spec":{"f:a":{"f:b":{}},"f:c":{},"f:l":{"k:{\"n\":\"x\",\"p\":1}":{".":{},"f:i":{}},"v:\"s\"":{}}}}"#)
        #expect(
            set.description
                == ".spec.c\n.spec.a.b\n.spec.l[n=\"x\",p=1]\n.spec.l[=\"s\"]\n.spec.l[n=\"x\",p=1].i")
        #expect(set.count == 5)
        #expect(set.contains([.field("spec"), .field("a"), .field("b")]))
        #expect(!set.contains([.field("spec"), .field("a")]))
        #expect(!set.contains([]))
    }

    @Test func `a field and what is below it are taken away apart, or as a tree`() {
        let set: FieldSet = [[.field("a")], [.field("a"), .field("b")], [.field("c")]]
        #expect(set.subtracting([[.field("a")]]) == [[.field("a"), .field("b")], [.field("c")]])
        #expect(set.subtracting([[.field("a"), .field("b")]]) == [[.field("a")], [.field("c")]])
        #expect(set.subtractingTrees([[.field("a")]]) == [[.field("c")]])
    }

    /// Small sets over few names, so that they meet.
    private static func random(_ generator: inout SeededGenerator) -> FieldSet {
        let elements: [PathElement] = [
            .field("a"), .field("b"), .key([.init("n", "x")]), .value(1), .value("s"), .index(0),
        ]
        var set = FieldSet()
        for _ in 0..<Int.random(in: 0...8, using: &generator) {
            set.insert(
                (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                    elements[Int.random(in: 0..<elements.count, using: &generator)]
                })
        }
        return set
    }

    @Test func `the laws of sets hold`() throws {
        var generator = SeededGenerator(seed: 11)
        for round in 0..<2_000 {
            let (a, b, c) = (
                Self.random(&generator), Self.random(&generator), Self.random(&generator)
            )
            let note: Comment = "round \(round):\n\(a)\n--\n\(b)\n--\n\(c)"
            #expect(a.union(b) == b.union(a), note)
            #expect(a.union(b).union(c) == a.union(b.union(c)), note)
            #expect(a.union(a) == a && a.intersection(a) == a && a.subtracting(a).isEmpty, note)
            #expect(a.intersection(b) == b.intersection(a), note)
            #expect(a.subtracting(b).union(a.intersection(b)) == a, note)
            #expect(a.subtracting(b).isDisjoint(with: b), note)
            #expect(a.isDisjoint(with: b) == a.intersection(b).isEmpty, note)
            #expect(a.isSubset(of: b) == a.subtracting(b).isEmpty, note)
            #expect(a.isSubset(of: a.union(b)), note)
            #expect(a.subtracting(b.union(c)) == a.subtracting(b).subtracting(c), note)
            #expect(a.union(b).subtracting(c) == a.subtracting(c).union(b.subtracting(c)), note)
            #expect(a.subtractingTrees(b).isSubset(of: a.subtracting(b)), note)
            #expect(FieldSet(a.paths) == a, note)
            // The members of both, counted one by one.
            let paths: Set<[PathElement]> = Set(a.paths).union(b.paths)
            #expect(a.union(b).count == paths.count, note)
            #expect(try JSONReader.decode(FieldSet.self, from: a.jsonBytes) == a, note)
        }
    }
}
