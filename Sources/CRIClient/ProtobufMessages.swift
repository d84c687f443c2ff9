import Codec
import GRPCCore

/// Our protobuf coding behind gRPC's.
struct ProtobufSerializer<Message: ProtobufCodable & Sendable>: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: Message) throws -> Bytes {
        Bytes(ProtobufWriter.encode(message))
    }
}

struct ProtobufDeserializer<Message: ProtobufCodable & Sendable>: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ serializedMessageBytes: Bytes) throws -> Message {
        let bytes = serializedMessageBytes.withUnsafeBytes { Array($0) }
        return try ProtobufReader.decode(Message.self, from: bytes)
    }
}
