package import API
import Codec

/// A container's environment from everything it names.
package struct EnvironmentBuilder {
    package struct Failure: Error, Sendable, Equatable {
        package var message: String

        package init(_ message: String) {
            self.message = message
        }
    }

    /// The objects that the container names, as they are now; what does not exist is absent.
    package struct Objects: Sendable {
        package var configMaps: [String: ConfigMap] = [:]
        package var secrets: [String: Secret] = [:]
        /// Of the pod's namespace, when the pod wants them; `default/kubernetes` is always among them.
        package var services: [Service] = []

        package init() {}
    }

    package struct Result: Sendable, Equatable {
        /// In order: `envFrom`, `env`, services. Each name once.
        package var variables: [(name: String, value: String)] = []
        /// Messages of `InvalidEnvironmentVariableNames` events.
        package var warnings: [String] = []

        package static func == (one: Result, other: Result) -> Bool {
            one.warnings == other.warnings
                && one.variables.elementsEqual(other.variables) { $0.name == $1.name && $0.value == $1.value }
        }

        package subscript(name: String) -> String? { variables.first { $0.name == name }?.value }
    }

    let pod: Pod
    let container: Container
    let addresses: [String]
    let configuration: RuntimeConfiguration
    let objects: Objects

    package init(
        pod: Pod, container: Container, addresses: [String], configuration: RuntimeConfiguration, objects: Objects
    ) {
        self.pod = pod
        self.container = container
        self.addresses = addresses
        self.configuration = configuration
        self.objects = objects
    }

    package func build() throws(Failure) -> Result {
        var result = Result()
        var position: [String: Int] = [:]
        func set(_ name: String, _ value: String) {
            if let index = position[name] {
                result.variables[index].value = value
            } else {
                position[name] = result.variables.count
                result.variables.append((name, value))
            }
        }
        for source in container.envFrom {
            for (name, value) in try imported(source, &result.warnings) { set(name, value) }
        }
        let services: StringMap<String> = ServiceVariables.of(objects.services)
        for variable in container.env {
            let value: String?
            if let from = variable.valueFrom, variable.value.isEmpty {
                value = try resolved(from)
            } else {
                value = Expansion.expand(variable.value) { name in
                    position[name].map { result.variables[$0].value } ?? services[name]
                }
            }
            if let value { set(variable.name, value) }
        }
        for (name, value) in services where position[name] == nil { set(name, value) }
        return result
    }

    private func imported(
        _ source: EnvFromSource, _ warnings: inout [String]
    ) throws(Failure) -> [(name: String, value: String)] {
        let namespace: String = pod.metadata.namespace
        let data: [(key: String, value: String)]
        let kind: String
        let name: String
        if let reference = source.configMapRef {
            guard let found = objects.configMaps[reference.name] else {
                if reference.optional == true { return [] }
                throw Failure("configmap \"\(reference.name)\" not found")
            }
            data = found.data.map { ($0.key, $0.value) }
            (kind, name) = ("configMap", reference.name)
        } else if let reference = source.secretRef {
            guard let found = objects.secrets[reference.name] else {
                if reference.optional == true { return [] }
                throw Failure("secret \"\(reference.name)\" not found")
            }
            data = found.data.map { ($0.key, String(decoding: $0.value, as: UTF8.self)) }
            (kind, name) = ("secret", reference.name)
        } else {
            return []
        }
        let named: [(name: String, value: String)] = data.map { (source.prefix + $0.key, $0.value) }
        let invalid: [String] = named.map(\.name).filter { !Self.isName($0) }
        if !invalid.isEmpty {
            warnings.append(
                "Keys [\(invalid.joined(separator: ", "))] from the EnvFrom \(kind) \(namespace)/\(name) were skipped "
                    + "since they are considered invalid environment variable names.")
        }
        return named.filter { Self.isName($0.name) }
    }

    /// Printable ASCII without `=`, since 1.34 for all.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "=") }
    }

    /// nil: an optional source that is not there; the variable is left out.
    private func resolved(_ source: EnvVarSource) throws(Failure) -> String? {
        do throws(DownwardValues.Failure) {
            if let field = source.fieldRef {
                return try DownwardValues.field(
                    field.fieldPath, of: pod, addresses: addresses, nodeAddresses: configuration.nodeAddresses)
            }
            if let field = source.resourceFieldRef {
                let other: Container? = PodMachine.spec(of: field.containerName, in: pod)
                guard let container = field.containerName.isEmpty ? container : other else {
                    throw DownwardValues.Failure(message: "container \(field.containerName) not found")
                }
                return try DownwardValues.resource(field, of: container, allocatable: configuration.allocatable())
            }
        } catch {
            throw Failure(error.message)
        }
        if let reference = source.configMapKeyRef { return try value(reference) }
        if let reference = source.secretKeyRef { return try value(reference) }
        if source.fileKeyRef != nil { throw Failure("environment variables from files are not supported") }
        return ""
    }

    private func value(_ reference: ConfigMapKeySelector) throws(Failure) -> String? {
        let isOptional: Bool = reference.optional == true
        guard let found = objects.configMaps[reference.name] else {
            if isOptional { return nil }
            throw Failure("configmap \"\(reference.name)\" not found")
        }
        guard let value = found.data[reference.key] else {
            if isOptional { return nil }
            throw Failure("couldn't find key \(reference.key) in ConfigMap \(pod.metadata.namespace)/\(reference.name)")
        }
        return value
    }

    private func value(_ reference: SecretKeySelector) throws(Failure) -> String? {
        let isOptional: Bool = reference.optional == true
        guard let found = objects.secrets[reference.name] else {
            if isOptional { return nil }
            throw Failure("secret \"\(reference.name)\" not found")
        }
        guard let value = found.data[reference.key] else {
            if isOptional { return nil }
            throw Failure("couldn't find key \(reference.key) in Secret \(pod.metadata.namespace)/\(reference.name)")
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// The names of what `build` needs to know.
    package static func names(in container: Container) -> (configMaps: Set<String>, secrets: Set<String>) {
        var configMaps: Set<String> = []
        var secrets: Set<String> = []
        for source in container.envFrom {
            if let name = source.configMapRef?.name { configMaps.insert(name) }
            if let name = source.secretRef?.name { secrets.insert(name) }
        }
        for variable in container.env {
            if let name = variable.valueFrom?.configMapKeyRef?.name { configMaps.insert(name) }
            if let name = variable.valueFrom?.secretKeyRef?.name { secrets.insert(name) }
        }
        return (configMaps, secrets)
    }
}
