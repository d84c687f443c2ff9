import API
import Codec

extension FuzzTarget {
    /// The object that is patched.
    private static let document: JSONValue = {
        let text: String =
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"a":"b","c":"d"},"finalizers":["x","y"]},"#
            + #""spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"protocol":"TCP"}],"#
            + #""env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]},{"name":"d"}],"tolerations":[{"key":"k"}],"#
            + #""volumes":[{"name":"v","emptyDir":{}}],"nodeSelector":{"n":"m"}},"status":{}}"#
        guard let value = try? JSONValue(parsing: text) else { preconditionFailure("the document is no JSON") }
        return value
    }()

    private static let words: [String] = [
        "{", "}", "[", "]", ":", ",", "\"", "null", "\"$patch\":\"", "delete", "replace", "merge\"",
        "\"$retainKeys\":[",
        "\"$setElementOrder/containers\":[", "\"$deleteFromPrimitiveList/finalizers\":[\"x\"]", "\"containers\":[{",
        "\"name\":\"c\"", "\"metadata\":{", "\"spec\":{", "\"labels\":{", "\"finalizers\":[", "\"ports\":[",
        "\"env\":[",
        "\"containerPort\":80", "{\"op\":\"", "add\"", "remove\"", "test\"", "move\"", "copy\"", "\"path\":\"/",
        "\"from\":\"/", "\"value\":", "/spec/containers/0", "/spec", "/-", "/0", "~0", "~1", "\"\"", "1", "-1",
        "\"volumes\":[", "\"emptyDir\":", "{}", "[]",
    ]

    private static func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }

    static let jsonPatch = FuzzTarget(
        "jsonpatch",
        seeds: bytes([
            #"[{"op":"add","path":"/spec/containers/-","value":{"name":"z"}},"#
                + #"{"op":"remove","path":"/metadata/labels/a"}]"#,
            #"[{"op":"test","path":"/metadata/name","value":"a"},"#
                + #"{"op":"replace","path":"/spec/containers/0/image","value":1}]"#,
            #"[{"op":"move","from":"/spec/containers/0","path":"/spec/containers/1"},"#
                + #"{"op":"copy","from":"/spec","path":"/x~1y~0"}]"#,
            #"[{"op":"copy","from":"","path":"/a"},{"op":"copy","from":"","path":"/a/b"}]"#,
        ]), words: words
    ) { (bytes) throws(FuzzFinding) -> String in
        let result: JSONValue
        do throws(PatchError) {
            result = try JSONPatch(parsing: bytes).apply(to: document)
        } catch {
            return "refused \(skeleton(error))"
        }
        let size: Int = try saneSize(result)
        return "applied \(magnitude(size)) \(magnitude(bytes.count))"
    }

    static let mergePatch = FuzzTarget(
        "mergepatch",
        seeds: bytes([
            #"{"metadata":{"labels":{"a":null,"z":"y"}},"spec":{"containers":[]}}"#, #"{"spec":null}"#,
            #"{"a":{"b":{"c":null}}}"#,
        ]), words: words
    ) { (bytes) throws(FuzzFinding) -> String in
        let result: JSONValue
        do throws(PatchError) {
            result = try MergePatch.apply(bytes, to: document)
        } catch {
            return "refused \(skeleton(error))"
        }
        let again: JSONValue? = try? MergePatch.apply(bytes, to: result)
        try require(again == result, "applied twice it does more than applied once")
        let difference: JSONValue = MergePatch.difference(from: document, to: result)
        try require(hasNull(result) || MergePatch.apply(difference, to: document) == result, "the difference is not it")
        return "applied \(magnitude(result.jsonBytes.count)) \(magnitude(difference.jsonBytes.count))"
    }

    static let strategicPatch = FuzzTarget(
        "strategicpatch",
        seeds: bytes([
            #"{"spec":{"containers":[{"name":"c","image":"j"},{"name":"d","$patch":"delete"}]}}"#,
            #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["x"],"finalizers":["z"]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"d"},{"name":"c"}],"containers":[{"name":"e"}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","$retainKeys":["name","configMap"],"configMap":{"name":"m"}}]}}"#,
            #"{"spec":{"containers":[{"$patch":"replace"},{"name":"x"}]},"metadata":{"$patch":"replace","name":"a"}}"#,
            #"{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80,"protocol":"TCP","hostPort":1}]}]}}"#,
        ]), words: words
    ) { (bytes) throws(FuzzFinding) -> String in
        let result: JSONValue
        do throws(PatchError) {
            result = try StrategicMergePatch.apply(bytes, to: document, schema: Pod.schema)
        } catch {
            return "refused \(skeleton(error))"
        }
        let size: Int = try saneSize(result)
        let pod: Pod? = try? JSONReader.decode(Pod.self, from: result.jsonBytes)
        return "applied \(pod?.spec.containers.count ?? -1) \(magnitude(size)) \(magnitude(bytes.count))"
    }

    /// The size of what came out, which must be in proportion.
    private static func saneSize(_ value: JSONValue) throws(FuzzFinding) -> Int {
        let count: Int = value.jsonBytes.count
        try require(count < 16 << 20, "a patch made \(count) bytes")
        return count
    }

    private static func hasNull(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .array(let elements): elements.contains { hasNull($0) }
        case .object(let object): object.contains { _, value in hasNull(value) }
        default: false
        }
    }
}
