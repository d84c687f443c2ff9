import ArgumentParser
import Glibc
import NodeSetup

struct KubectlCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubectl", abstract: "Run this machine's kubectl against the cluster.",
        discussion: "Everything after `kubectl` goes to it unchanged: swiftlet kubectl get pods -A")

    @OptionGroup var data: DataOptions

    @Argument(parsing: .captureForPassthrough, help: "kubectl's own arguments.") var arguments: [String] = []

    func run() throws {
        guard let program = Files.program("kubectl") else {
            throw ValidationError("kubectl is not installed (on Debian: apt-get install kubernetes-client)")
        }
        let kubeconfig: String = data.kubeconfig
        guard Files.exists(kubeconfig) else {
            throw ValidationError("no kubeconfig at \(kubeconfig): start the cluster with `swiftlet up`")
        }
        setenv("KUBECONFIG", kubeconfig, 1)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        execv(program, words)
        throw ValidationError("failed to run \(program): \(String(cString: strerror(errno)))")
    }
}
