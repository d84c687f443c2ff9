import APIMachinery
import ArgumentParser
import ClientHTTP
import NodeSetup

/// The way from a command to the running cluster.
enum ClusterConnection {
    static func transport(_ kubeconfig: String) throws -> HTTPTransport {
        guard Files.exists(kubeconfig) else {
            throw ValidationError("no kubeconfig at \(kubeconfig): start the cluster with `swiftlet up`")
        }
        return HTTPTransport(try Kubeconfig(file: kubeconfig).configuration())
    }
}
