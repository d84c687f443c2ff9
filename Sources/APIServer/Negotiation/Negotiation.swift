package import APIMachinery

/// In which form a client gets its answer.
package struct Negotiation: Sendable, Equatable {
    package enum Format: Sendable {
        case json, yaml, protobuf
    }

    /// What the objects are turned into.
    package enum Form: Sendable, Equatable {
        case plain
        /// `as=Table;g=meta.k8s.io;v=v1`, with how much of the object in each row.
        case table(IncludeObject)
        /// `as=PartialObjectMetadata` and `as=PartialObjectMetadataList`.
        case metadata
    }

    package enum IncludeObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    package var format: Format
    package var form: Form
    package var pretty: Bool
    /// Of `meta.k8s.io`, for tables and metadata: `v1` or `v1beta1`.
    package var metaVersion: String = "v1"
    /// Whether the form was asked for by the list's name: `PartialObjectMetadataList`.
    package var isListForm: Bool = false

    package init(_ format: Format = .json, form: Form = .plain, pretty: Bool = false) {
        self.format = format
        self.form = form
        self.pretty = pretty
    }

    private static let acceptable: [String] = [
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
    ]
    /// YAML has no frames.
    private static let acceptableStreams: [String] = [
        "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch",
    ]

    /// For errors, which go out whatever the client takes: its first choice among what there is, else JSON.
    package init(forErrors accept: String, query: [(name: String, value: String)], userAgent: String) {
        let pretty: Bool = PrettyPrinting.isWanted(query: query, userAgent: userAgent)
        let known: Format? = MediaType.ranges(accept).lazy.compactMap { Self.format($0) }.first
        self.init(known ?? .json, pretty: pretty)
    }

    /// Chooses by `Accept`; throws 406 if nothing that the client takes can be given.
    ///
    /// - Parameter hasTable: whether there is a table of what is asked for; of reviews there is none.
    package init(
        accept: String, query: [(name: String, value: String)], userAgent: String, isWatch: Bool = false,
        hasTable: @autoclosure () -> Bool = true
    ) throws(StatusError) {
        let pretty: Bool = !isWatch && PrettyPrinting.isWanted(query: query, userAgent: userAgent)
        if accept.isEmpty || accept == "application/json" || accept == "*/*" {
            self.init(.json, pretty: pretty)
            return
        }
        for range in MediaType.ranges(accept) {
            guard let format = Self.format(range), let form = try Self.form(range, query) else { continue }
            if case .table = form, format == .protobuf || !hasTable() { continue }
            // Only watches are streams of frames.
            if let stream = range.parameter("stream"), !isWatch || stream != "watch" { continue }
            // Upstream looks no further when the best type that it knows has no frames.
            if isWatch, format == .yaml { break }
            self.init(format, form: form, pretty: pretty || (!isWatch && range.parameter("pretty") == "1"))
            if form != .plain { metaVersion = range.parameter("v") ?? "v1" }
            isListForm = range.parameter("as") == "PartialObjectMetadataList"
            return
        }
        throw .notAcceptable(isWatch ? Self.acceptableStreams : Self.acceptable)
    }

    /// Refuses metadata of a list as that of an object, and the other way round.
    package func check(isList: Bool, info: ResourceInfo) throws(StatusError) {
        guard form == .metadata, isList != isListForm else { return }
        let owner: String = info.gvk.group.split(separator: ".").first.map { String($0) } ?? "core"
        let type: String = isList ? "*\(owner).\(info.listKind)" : "*\(owner).\(info.gvk.kind)"
        let text: String =
            isList
            ? "PartialObjectMetadata, but the requested object is a list"
            : "PartialObjectMetadataList, but the requested object is not a list"
        throw StatusError(.notAcceptable, "you requested \(text) (\(type))")
    }

    private static func format(_ range: MediaType) -> Format? {
        switch range.essence {
        case "application/json", "*/*", "application/*": .json
        case "application/yaml": .yaml
        case "application/vnd.kubernetes.protobuf": .protobuf
        default: nil
        }
    }

    /// Nil: a transformation that we do not do; the next range is tried.
    private static func form(_ range: MediaType, _ query: [(name: String, value: String)]) throws(StatusError) -> Form?
    {
        guard let wanted = range.parameter("as") else { return .plain }
        guard range.parameter("g") == "meta.k8s.io" else { return nil }
        let version: String = range.parameter("v") ?? ""
        guard version == "v1" || version == "v1beta1" else { return nil }
        switch wanted {
        case "Table":
            let text: String = query.first { $0.name == "includeObject" }?.value ?? ""
            guard let include = text.isEmpty ? .metadata : IncludeObject(rawValue: text) else {
                throw .badRequest(
                    "unrecognized includeObject value: \"\(text)\"; must be one of None, Metadata, Object")
            }
            return .table(include)
        case "PartialObjectMetadata", "PartialObjectMetadataList": return .metadata
        default: return nil
        }
    }

    package var contentType: String {
        switch format {
        case .json: "application/json"
        case .yaml: "application/yaml"
        case .protobuf: "application/vnd.kubernetes.protobuf"
        }
    }

    package var watchContentType: String {
        format == .protobuf ? "application/vnd.kubernetes.protobuf;stream=watch" : "application/json"
    }

    /// Of the first event of a watch.
    package var firstEncoding: CachedEvent.Encoding {
        guard case .table = form else { return encoding }
        return CachedEvent.Encoding(encoding.id + "-columns")
    }

    /// Which shared frame of a watch event this is.
    package var encoding: CachedEvent.Encoding {
        switch form {
        case .plain: format == .protobuf ? CachedEvent.Encoding("protobuf") : .json
        case .table(let include): CachedEvent.Encoding("table-\(include.rawValue)-\(metaVersion)")
        case .metadata: CachedEvent.Encoding("metadata-\(format == .protobuf ? "protobuf-" : "")\(metaVersion)")
        }
    }
}
