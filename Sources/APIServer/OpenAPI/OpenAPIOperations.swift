import APIMachinery

/// Makes the paths of one group and version from what is served there.
struct OpenAPIOperations {
    private let definitions: OpenAPIDefinitions
    private let group: String
    private let version: String
    /// `/api/v1`, `/apis/apps/v1`
    private let base: String
    /// As operations have it: `CoreV1`, `RbacAuthorizationV1`.
    private let idPart: String
    /// `core_v1`, `rbacAuthorization_v1`
    private let tag: String

    init(group: String, version: String, definitions: OpenAPIDefinitions) {
        self.group = group
        self.version = version
        self.definitions = definitions
        base = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        idPart = Self.idPart(group: group) + Self.capitalized(version)
        tag = Self.tag(group: group) + "_" + version
    }

    /// `Apps`, `RbacAuthorization`, `Core`
    static func idPart(group: String) -> String {
        if group.isEmpty { return "Core" }
        let suffix: String = ".k8s.io"
        let own: Substring = group.hasSuffix(suffix) ? group.dropLast(suffix.count) : group[...]
        return own.split(separator: ".").map { capitalized($0) }.joined()
    }

    /// `apps`, `rbacAuthorization`, `core`
    static func tag(group: String) -> String {
        let part: String = idPart(group: group)
        return part.prefix(1).lowercased() + part.dropFirst()
    }

    private static func capitalized(_ text: some StringProtocol) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }

    // MARK: - Paths

    /// The paths of these resources, with that of discovery, by path.
    func paths(_ resources: [OpenAPIResource]) -> [OpenAPIPath] {
        var byPath: [String: [OpenAPIOperation]] = [:]
        let discovery = OpenAPIOperation(
            method: .get, id: "get\(idPart)APIResources", description: "Tells which resources there are.", tag: tag,
            responses: [.init(code: 200, payload: .definition(OpenAPIDefinitions.resourceList))])
        byPath[base + "/"] = [discovery]
        for resource in resources {
            let place = Place(resource, base)
            addCollection(place, &byPath)
            addItem(place, &byPath)
            if resource.info.verbs.contains(.watch) { addWatches(place, &byPath) }
            for subresource in resource.info.subresources { add(subresource, place, &byPath) }
        }
        return byPath.map { OpenAPIPath($0.key, $0.value) }.sorted { $0.path < $1.path }
    }

    /// Where a resource is, and what its operations have in common.
    private struct Place {
        let resource: OpenAPIResource
        let info: ResourceInfo
        let collection: String
        let everywhere: String
        let kind: String
        /// `NamespacedPod`, `Node`
        let idPart: String
        let parameters: [OpenAPIParameter]

        init(_ resource: OpenAPIResource, _ base: String) {
            self.resource = resource
            info = resource.info
            kind = info.gvk.kind
            everywhere = "/\(info.gvr.resource)"
            collection = info.namespaced ? "/namespaces/{namespace}" + everywhere : everywhere
            idPart = info.namespaced ? "Namespaced" + info.gvk.kind : info.gvk.kind
            parameters = [.pretty] + (info.namespaced ? [.namespace] : [])
        }

        /// Of one object, or of the options with which it is asked for.
        func itemParameters(named kind: String? = nil) -> [OpenAPIParameter] {
            parameters + [.name(of: kind ?? self.kind)]
        }
    }

    private func addCollection(_ place: Place, _ paths: inout [String: [OpenAPIOperation]]) {
        let (info, kind): (ResourceInfo, String) = (place.info, place.kind)
        let path: String = base + place.collection
        if info.verbs.contains(.list) {
            paths[path, default: []].append(list(place, id: "list\(idPart)\(place.idPart)", place.parameters))
            if info.namespaced {
                paths[base + place.everywhere, default: []].append(
                    list(place, id: "list\(idPart)\(kind)ForAllNamespaces", [.pretty]))
            }
        }
        if info.verbs.contains(.create) {
            paths[path, default: []].append(
                operation(
                    .post, "post", "create\(idPart)\(place.idPart)", "Creates an object of kind \(kind).", info.gvk,
                    place.parameters + OpenAPIParameter.writing, answers: [200, 201, 202], takes: info.gvk))
        }
        if info.verbs.contains(.deletecollection) {
            var operation: OpenAPIOperation = operation(
                .delete, "deletecollection", "delete\(idPart)Collection\(place.idPart)",
                "Deletes all objects of kind \(kind) that are selected.", info.gvk,
                place.parameters + OpenAPIParameter.selecting + OpenAPIParameter.deleting)
            operation.responses = [.init(code: 200, payload: .definition(OpenAPIDefinitions.status))]
            operation.body = Self.deleteOptions
            paths[path, default: []].append(operation)
        }
    }

    private static let deleteOptions = OpenAPIOperation.Body(
        schema: OpenAPIDefinitions.deleteOptions, isRequired: false, contentTypes: OpenAPIMediaTypes.any)

    private func list(_ place: Place, id: String, _ parameters: [OpenAPIParameter]) -> OpenAPIOperation {
        let info: ResourceInfo = place.info
        let canWatch: Bool = info.verbs.contains(.watch)
        var operation: OpenAPIOperation = operation(
            .get, "list", id, "Lists \(canWatch ? "or watches " : "")objects of kind \(place.kind).", info.gvk,
            parameters + OpenAPIParameter.listing)
        operation.produces = OpenAPIMediaTypes.list
        let kind = GroupVersionKind(group: info.gvk.group, version: info.gvk.version, kind: info.listKind)
        operation.responses = [.init(code: 200, payload: payload(kind))]
        return operation
    }

    private func addItem(_ place: Place, _ paths: inout [String: [OpenAPIOperation]]) {
        let info: ResourceInfo = place.info
        let parameters: [OpenAPIParameter] = place.itemParameters()
        var operations: [OpenAPIOperation] = []
        let verbs: [String] = info.verbs.map { $0.rawValue }
        addView(verbs, info.gvk, "", place, parameters, &operations)
        if info.verbs.contains(.delete) {
            var delete: OpenAPIOperation = operation(
                .delete, "delete", "delete\(idPart)\(place.idPart)", "Deletes an object of kind \(place.kind).",
                info.gvk, parameters + OpenAPIParameter.deleting)
            let answer: OpenAPIOperation.Payload? =
                place.resource.returnsDeletedObject ? payload(info.gvk) : .definition(OpenAPIDefinitions.status)
            delete.responses = [.init(code: 200, payload: answer), .init(code: 202, payload: answer)]
            delete.body = Self.deleteOptions
            operations.append(delete)
        }
        if !operations.isEmpty { paths[base + place.collection + "/{name}"] = operations }
    }

    /// Get, put and patch: of the object itself, or of a subresource.
    private func addView(
        _ verbs: [String], _ gvk: GroupVersionKind, _ part: String, _ place: Place, _ parameters: [OpenAPIParameter],
        _ operations: inout [OpenAPIOperation]
    ) {
        let id: String = idPart + place.idPart + Self.capitalized(part)
        let what: String = part.isEmpty ? "an object of kind \(place.kind)" : "\(part) of a \(place.kind)"
        if verbs.contains("get") {
            operations.append(
                operation(.get, "get", "read\(id)", "Reads \(what).", gvk, parameters, answers: [200]))
        }
        if verbs.contains("update") {
            operations.append(
                operation(
                    .put, "put", "replace\(id)", "Replaces \(what).", gvk, parameters + OpenAPIParameter.writing,
                    answers: [200, 201], takes: gvk))
        }
        if verbs.contains("patch") {
            var patch: OpenAPIOperation = operation(
                .patch, "patch", "patch\(id)", "Changes parts of \(what).", gvk,
                parameters + OpenAPIParameter.patching, answers: [200, 201])
            patch.body = .init(
                schema: OpenAPIDefinitions.patch, isRequired: true, contentTypes: OpenAPIMediaTypes.patch)
            operations.append(patch)
        }
    }

    private func addWatches(_ place: Place, _ paths: inout [String: [OpenAPIOperation]]) {
        func watch(_ path: String, _ action: String, _ id: String, _ parameters: [OpenAPIParameter]) {
            var operation: OpenAPIOperation = operation(
                .get, action, "watch\(idPart)\(id)",
                "Watches \(action == "watch" ? "an object" : "objects") of kind \(place.kind). Deprecated: list with "
                    + "`watch=true`\(action == "watch" ? " and a field selector" : "").",
                place.info.gvk, parameters + OpenAPIParameter.listing)
            operation.produces = OpenAPIMediaTypes.list
            operation.responses = [.init(code: 200, payload: .definition(OpenAPIDefinitions.watchEvent))]
            paths["\(base)/watch\(path)", default: []].append(operation)
        }
        if place.info.namespaced {
            watch(place.everywhere, "watchlist", "\(place.kind)ListForAllNamespaces", [.pretty])
        }
        watch(place.collection, "watchlist", "\(place.idPart)List", place.parameters)
        if place.info.verbs.contains(.get) {
            watch("\(place.collection)/{name}", "watch", place.idPart, place.itemParameters())
        }
    }

    // MARK: - Subresources

    private func add(
        _ subresource: ResourceInfo.Subresource, _ place: Place, _ paths: inout [String: [OpenAPIOperation]]
    ) {
        let path: String = "\(base)\(place.collection)/{name}/\(subresource.name)"
        if subresource.gvk.kind.hasSuffix("Options") {
            addConnect(subresource, place, path, &paths)
            return
        }
        var operations: [OpenAPIOperation] = []
        let parameters: [OpenAPIParameter] = place.itemParameters(
            named: subresource.gvk.kind == place.kind ? nil : subresource.gvk.kind)
        if subresource.name == "log" {
            var log: OpenAPIOperation = operation(
                .get, "get", "read\(idPart)\(place.idPart)Log", "Reads the log of a container.", subresource.gvk,
                parameters + OpenAPIParameter.log)
            log.produces = OpenAPIMediaTypes.log
            log.responses = [.init(code: 200, payload: .text)]
            operations.append(log)
        } else {
            addView(subresource.verbs, subresource.gvk, subresource.name, place, parameters, &operations)
        }
        if subresource.verbs.contains("create") {
            operations.append(
                operation(
                    .post, "post", "create\(idPart)\(place.idPart)\(Self.capitalized(subresource.name))",
                    "Creates the \(subresource.name) of a \(place.kind).", subresource.gvk,
                    parameters + OpenAPIParameter.writing, answers: [200, 201, 202], takes: subresource.gvk))
        }
        paths[path] = operations
    }

    /// What a stream or another server answers: all methods of the verbs, and for proxies also of paths behind them.
    private func addConnect(
        _ subresource: ResourceInfo.Subresource, _ place: Place, _ path: String,
        _ paths: inout [String: [OpenAPIOperation]]
    ) {
        let isProxy: Bool = subresource.name == "proxy"
        let methods: [OpenAPIOperation.Method] =
            isProxy ? OpenAPIOperation.Method.allCases : subresource.verbs.contains("create") ? [.get, .post] : [.get]
        // `pretty` means nothing here.
        let parameters: [OpenAPIParameter] =
            place.itemParameters(named: subresource.gvk.kind).filter { $0 != .pretty }
            + OpenAPIParameter.options(subresource.gvk.kind)
        for method in methods {
            let name: String = Self.capitalized(method.rawValue)
            let id: String = "connect\(idPart)\(name)\(place.idPart)\(Self.capitalized(subresource.name))"
            var operation: OpenAPIOperation = operation(
                method, "connect", id, "Connects to \(subresource.name) of a \(place.kind) with \(name.uppercased()).",
                subresource.gvk, parameters)
            operation.produces = OpenAPIMediaTypes.any
            operation.responses = [.init(code: 200, payload: .text)]
            paths[path, default: []].append(operation)
            guard isProxy else { continue }
            operation.id = id + "WithPath"
            operation.parameters.append(.proxyPath)
            paths[path + "/{path}", default: []].append(operation)
        }
    }

    // MARK: - Parts

    private func operation(
        _ method: OpenAPIOperation.Method, _ action: String, _ id: String, _ description: String,
        _ gvk: GroupVersionKind, _ parameters: [OpenAPIParameter], answers codes: [Int] = [],
        takes body: GroupVersionKind? = nil
    ) -> OpenAPIOperation {
        var operation = OpenAPIOperation(
            method: method, id: id, description: description, tag: tag, action: action, gvk: gvk,
            parameters: parameters)
        operation.responses = codes.map { .init(code: $0, payload: payload(gvk)) }
        if let body, let name = definitions.name(of: body) {
            operation.body = .init(schema: name, isRequired: true, contentTypes: OpenAPIMediaTypes.any)
        }
        return operation
    }

    private func payload(_ gvk: GroupVersionKind) -> OpenAPIOperation.Payload? {
        definitions.name(of: gvk).map { .definition($0) }
    }
}
