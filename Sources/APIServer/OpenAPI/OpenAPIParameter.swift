/// A parameter of an operation: all of Kubernetes' are plain values.
struct OpenAPIParameter: Sendable, Equatable {
    enum Place: String, Sendable {
        case query, path
    }

    enum Kind: String, Sendable {
        case string, boolean, integer
    }

    var name: String
    var place: Place = .query
    var kind: Kind = .string
    var description: String
    /// Under which version 2 keeps it once for all operations; empty: it is written where it is used.
    var sharedName: String = ""

    var isRequired: Bool { place == .path }
}

extension OpenAPIParameter {
    private static func query(_ name: String, _ kind: Kind, _ description: String, shared: String? = nil)
        -> OpenAPIParameter
    {
        OpenAPIParameter(name: name, kind: kind, description: description, sharedName: shared ?? name)
    }

    private static func query(_ name: String, _ description: String, shared: String? = nil) -> OpenAPIParameter {
        query(name, .string, description, shared: shared)
    }

    static func name(of kind: String) -> OpenAPIParameter {
        OpenAPIParameter(name: "name", place: .path, description: "The name of the \(kind).")
    }

    static let namespace = OpenAPIParameter(
        name: "namespace", place: .path, description: "The namespace of the objects.", sharedName: "namespace")
    static let proxyPath = OpenAPIParameter(
        name: "path", place: .path, description: "The path behind the proxy.", sharedName: "path-rest")

    // MARK: - Every request

    static let pretty: OpenAPIParameter = query(
        "pretty", "`true` indents the answer. Browsers, curl and wget get it indented unless it is `false`.")

    // MARK: - Writes

    static let dryRun: OpenAPIParameter = query(
        "dryRun", "`All` takes the request through all stages and stores nothing. Other values are refused.")
    static let fieldManager: OpenAPIParameter = query(
        "fieldManager",
        "Who makes this change: at most 128 printable characters. Fields that change are recorded as this manager's.")
    static let patchFieldManager: OpenAPIParameter = query(
        "fieldManager",
        "Who makes this change: at most 128 printable characters. Must be given for apply patches.",
        shared: "fieldManager-patch")
    static let fieldValidation: OpenAPIParameter = query(
        "fieldValidation",
        "What unknown and duplicate fields do: `Strict` refuses the request, `Warn` (the default) answers with "
            + "warnings, `Ignore` drops them silently.")
    static let force: OpenAPIParameter = query(
        "force", .boolean, "For apply patches only: take over fields that other managers own, instead of a conflict.")

    static let writing: [OpenAPIParameter] = [dryRun, fieldManager, fieldValidation]
    static let patching: [OpenAPIParameter] = [dryRun, patchFieldManager, fieldValidation, force]

    // MARK: - Deletion

    static let gracePeriodSeconds: OpenAPIParameter = query(
        "gracePeriodSeconds", .integer,
        "Seconds until the object goes; 0 deletes at once. The kind's own default if it is not given.")
    static let orphanDependents: OpenAPIParameter = query(
        "orphanDependents", .boolean,
        "Deprecated, use `propagationPolicy`: whether dependents stay. Only one of the two may be given.")
    static let propagationPolicy: OpenAPIParameter = query(
        "propagationPolicy",
        "What becomes of dependents: `Orphan` leaves them, `Background` deletes them afterwards, `Foreground` deletes "
            + "them first.")
    static let unsafeDeletion: OpenAPIParameter = query(
        "ignoreStoreReadErrorWithClusterBreakingPotential", .boolean,
        "Delete an object that cannot be read, past its finalizers and preconditions. It may break the cluster.")

    static let deleting: [OpenAPIParameter] = [
        dryRun, gracePeriodSeconds, unsafeDeletion, orphanDependents, propagationPolicy,
    ]

    // MARK: - Lists and watches

    static let selecting: [OpenAPIParameter] = [
        query("continue", "The token of the page before, to go on with its list. Tokens expire: 410 then."),
        query("fieldSelector", "Only objects with these values in their fields. Everything if it is empty."),
        query("labelSelector", "Only objects with these labels. Everything if it is empty."),
        query(
            "limit", .integer,
            "At most so many objects in the answer; its `continue` token tells that there are more. All pages show "
                + "the state of the first."),
        query("resourceVersion", "How new the answer has to be, or where a watch starts."),
        query(
            "resourceVersionMatch", "How `resourceVersion` is meant: `Exact` or `NotOlderThan`. Only with a version."),
        query(
            "sendInitialEvents", .boolean,
            "A watch begins with an event for each object that there is, and a bookmark at their end. Needs "
                + "`resourceVersionMatch=NotOlderThan`."),
        query("timeoutSeconds", .integer, "The list or watch ends after so many seconds."),
    ]
    static let watching: [OpenAPIParameter] = [
        query(
            "allowWatchBookmarks", .boolean,
            "The watch may contain events of type BOOKMARK, which only tell how far it is. Clients must not count "
                + "on them."),
        query("watch", .boolean, "Answer with a stream of changes instead of a list."),
    ]
    static let listing: [OpenAPIParameter] = selecting + watching

    // MARK: - Streams

    /// The parameters of subresources that are connected to, by the kind of their options, and of `log`.
    static func options(_ kind: String) -> [OpenAPIParameter] {
        switch kind {
        case "PodExecOptions": [command, container] + streams
        case "PodAttachOptions": [container] + streams
        case "PodPortForwardOptions":
            [query("ports", .integer, "The ports that are forwarded. Needed for WebSockets.", shared: "ports")]
        case "PodProxyOptions", "ServiceProxyOptions", "NodeProxyOptions":
            [query("path", "The path that is asked for behind the proxy.", shared: "path-query")]
        default: []
        }
    }

    static let log: [OpenAPIParameter] = [
        container,
        query("follow", .boolean, "Go on with what the container writes from now on."),
        query(
            "insecureSkipTLSVerifyBackend", .boolean,
            "Do not verify the kubelet's certificate. What is read may then come from anybody."),
        query("limitBytes", .integer, "End after so many bytes."),
        query("previous", .boolean, "The container that ran before the current one."),
        query("sinceSeconds", .integer, "Only lines of the last so many seconds."),
        query("stream", "`All`, `Stdout` or `Stderr`. Not together with `tailLines` unless it is `All`."),
        query("tailLines", .integer, "Only so many lines from the end."),
        query("timestamps", .boolean, "Begin each line with its time."),
    ]

    private static let container: OpenAPIParameter = query(
        "container", "The container; may be left out if the pod has only one, or names a default.")
    private static let command: OpenAPIParameter = query(
        "command", "What is run, without a shell; given once per argument.")
    private static let streams: [OpenAPIParameter] = [
        query("stderr", .boolean, "Connect the standard error."),
        query("stdin", .boolean, "Connect the standard input."),
        query("stdout", .boolean, "Connect the standard output."),
        query("tty", .boolean, "Use a terminal."),
    ]

    /// All that version 2 keeps once.
    static let shared: [OpenAPIParameter] = {
        var all: [OpenAPIParameter] = [namespace, proxyPath, pretty, patchFieldManager]
        for parameter in writing + patching + deleting + listing + log where !all.contains(parameter) {
            all.append(parameter)
        }
        let kinds: [String] = ["PodExecOptions", "PodPortForwardOptions", "PodProxyOptions"]
        for parameter in kinds.flatMap({ options($0) }) where !all.contains(parameter) { all.append(parameter) }
        return all.sorted { $0.sharedName < $1.sharedName }
    }()
}
