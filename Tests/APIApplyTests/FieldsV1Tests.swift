import APIMachinery
import Codec
import Testing

@Suite struct FieldsV1Tests {
    @Test func `fields are passed on as they are, without the white space between`() throws {
        let text: String = #"{"manager":"m","fieldsV1": { "f:a b\"} {" : { } ,"f:c":{}}}"#
        let entry = try JSONReader.decode(ManagedFieldsEntry.self, from: Array(text.utf8))
        #expect(entry.fieldsV1 == #"{"f:a b\"} {":{},"f:c":{}}"#)
        #expect(
            String(decoding: entry.jsonBytes, as: UTF8.self)
                == #"{"manager":"m","fieldsV1":{"f:a b\"} {":{},"f:c":{}}}"#)
        #expect(try JSONReader.decode(ManagedFieldsEntry.self, from: entry.jsonBytes) == entry)
        let message: [UInt8] = ProtobufWriter.encode(entry)
        #expect(try ProtobufReader.decode(ManagedFieldsEntry.self, from: message) == entry)
    }

    @Test func `null is no fields, and what is no JSON is refused`() throws {
        let none = try JSONReader.decode(ManagedFieldsEntry.self, from: Array(#"{"fieldsV1":null}"#.utf8))
        #expect(none.fieldsV1 == nil)
        #expect(throws: JSONError.self) {
            try JSONReader.decode(ManagedFieldsEntry.self, from: Array(#"{"fieldsV1":{]}"#.utf8))
        }
    }
}
