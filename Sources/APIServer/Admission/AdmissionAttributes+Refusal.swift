import APIMachinery

extension AdmissionAttributes {
    /// `pods "web-0" is forbidden: why`, about the resource in the URL.
    func forbidden(_ why: String) -> StatusError {
        .forbidden(info.gvr, name, why)
    }

    /// Whether the object itself is created, not something below it.
    func creates(_ resource: String, group: String = "") -> Bool {
        operation == .create && isPlain(resource, group: group)
    }

    /// Whether the request is about this resource and no subresource, in whatever version.
    func isPlain(_ resource: String, group: String = "") -> Bool {
        subresource.isEmpty && info.gvr.resource == resource && info.gvr.group == group
    }
}
