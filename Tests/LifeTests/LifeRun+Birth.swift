import APIMachinery
import APIServer
import Codec
import Testing

extension LifeRun {
    /// What must leave nothing behind: wrong objects, unknown fields, dry runs.
    func beforeBirth() async throws {
        try await wrongObjects()
        try await unknownFields()
        let rehearsed = try await call("POST", path + "?dryRun=All", object())
        #expect(rehearsed.code == 201 && rehearsed.body.text("metadata", "name") == name)
        let missing = await refusal("GET", own)
        #expect(missing?.code == 404 && missing?.reason == "NotFound")
        #expect(missing?.message == "\(info.gvr.groupResource) \"\(name)\" not found")
    }

    private func wrongObjects() async throws {
        let refused = await refusal("POST", path, Self.merged(object(), life.invalid))
        #expect(refused?.code == 422 && refused?.reason == "Invalid", "\(refused?.message ?? "")")
        let found: [String] = refused?.causes.map { "\($0.field): \($0.message)" } ?? []
        #expect(found.count == life.causes.count, "\(found)")
        for (cause, wanted) in zip(found, life.causes) { #expect(cause.hasPrefix(wanted)) }
        for cause in refused?.causes ?? [] { checkReason(cause) }

        let other = await refusal("POST", path, object().setting(["kind"], "Nonsense"))
        #expect(other?.code == 400)
        let version = await refusal("POST", path, object().setting(["apiVersion"], "nonsense/v1"))
        #expect(version?.code == 400)
        let nameless = await refusal("POST", path, Self.merged(object(), #"{"metadata":{"name":null}}"#))
        #expect(nameless?.code == 422 && nameless?.message.contains("metadata.name: Required value") == true)
        let revised = await refusal("POST", path, object().setting(["metadata", "resourceVersion"], "7"))
        #expect(revised?.code == 400)
        let type = await refusal("POST", path, object(), type: "text/html")
        #expect(type?.code == 415 && type?.reason == "UnsupportedMediaType")
        if info.namespaced {
            let elsewhere = await refusal("POST", path, object().setting(["metadata", "namespace"], "other"))
            #expect(elsewhere?.code == 400)
        }
    }

    /// The machine-readable reason goes with the words.
    private func checkReason(_ cause: StatusCause) {
        let reasons: [(words: String, reason: String)] = [
            ("Required value", "FieldValueRequired"), ("Invalid value", "FieldValueInvalid"),
            ("Unsupported value", "FieldValueNotSupported"), ("Forbidden", "FieldValueForbidden"),
            ("Duplicate value", "FieldValueDuplicate"), ("Too long", "FieldValueTooLong"),
            ("Too many", "FieldValueTooMany"), ("Not found", "FieldValueNotFound"),
        ]
        let wanted: String? = reasons.first { cause.message.hasPrefix($0.words) }?.reason
        #expect(cause.reason == wanted, "\(cause.message)")
    }

    private func unknownFields() async throws {
        let odd: JSONValue = object().setting(["bogusField"], "x")
        let strict = await refusal("POST", path + "?dryRun=All&fieldValidation=Strict", odd)
        #expect(strict?.code == 400)
        #expect(strict?.message.contains(#"strict decoding error: unknown field "bogusField""#) == true)
        let wording: String = #"unknown field "bogusField""#
        let warned = try await call("POST", path + "?dryRun=All&fieldValidation=Warn", odd)
        #expect(warned.code == 201 && warned.warnings.contains(wording))
        let ignored = try await call("POST", path + "?dryRun=All&fieldValidation=Ignore", odd)
        #expect(ignored.code == 201 && !ignored.warnings.contains(wording))
        let wrong = await refusal("POST", path + "?fieldValidation=Sometimes", object())
        #expect(wrong?.code == 422)
    }

    func birth(_ history: inout History) async throws {
        let made = try await call("POST", path, object())
        history.wrote(made.body)
        #expect(made.code == 201)
        #expect(made.body.text("kind") == info.gvk.kind && made.body.text("apiVersion") == info.gvk.apiVersion)
        #expect(made.body.text("metadata", "uid").utf8.count == 36)
        #expect(!made.body.text("metadata", "creationTimestamp").isEmpty && !Self.revision(made.body).isEmpty)
        #expect(made.body.text("metadata", "namespace") == (info.namespaced ? "default" : ""))
        #expect(made.body.covers(object()), "what was asked for is there")

        let again = await refusal("POST", path, object())
        #expect(again?.code == 409 && again?.reason == "AlreadyExists")
        #expect(again?.message == "\(info.gvr.groupResource) \"\(name)\" already exists")
        #expect(again?.status.details?.name == name && again?.status.details?.kind == info.gvr.resource)
        #expect(again?.status.details?.group == info.gvr.group)
        #expect(try await get() == made.body, "what is read is what the create answered")
    }

    /// Lists, Tables and metadata.
    func reading() async throws {
        let object: JSONValue = try await get()
        let list: JSONValue = try await call("GET", path).body
        #expect(list.text("kind") == info.listKind && list.text("apiVersion") == info.gvk.apiVersion)
        let item: JSONValue? = list["items"]?.array?.first { $0.text("metadata", "name") == name }
        #expect(item.map { object.covers($0) } == true)
        #expect(item?["kind"] == nil, "items of lists are without their kind")

        let table: String = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
        for path in [own, path] {
            let shown: JSONValue = try await call("GET", path, accept: table).body
            #expect(shown.text("kind") == "Table" && shown.text("apiVersion") == "meta.k8s.io/v1")
            let columns: [String] = shown["columnDefinitions"]?.array?.map { $0.text("name") } ?? []
            #expect(columns.joined(separator: "|") == life.columns)
            let row: JSONValue? = shown["rows"]?.array?.first { $0.text("object", "metadata", "name") == name }
            #expect(row?["cells"]?.array?.count == columns.count)
            #expect(row?.text("object", "kind") == "PartialObjectMetadata")
        }
        let partial: String = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        let metadata: JSONValue = try await call("GET", own, accept: partial).body
        #expect(metadata.text("kind") == "PartialObjectMetadata" && metadata["metadata"] == object["metadata"])
        #expect(metadata.object?.count == 3)
        let partials: String = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        let all: JSONValue = try await call("GET", path, accept: partials).body
        #expect(all.text("kind") == "PartialObjectMetadataList")
        #expect(all["items"]?.array?.contains { $0["metadata"] == object["metadata"] } == true)
    }
}
