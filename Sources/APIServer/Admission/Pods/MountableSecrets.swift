import APICore
import APIMachinery
import Codec

/// The secrets that a pod may use if its account names them all (`kubernetes.io/enforce-mountable-secrets`).
struct MountableSecrets {
    let account: ServiceAccount

    func check(_ pod: Pod, _ attributes: AdmissionAttributes) throws(StatusError) {
        let allowed: Set<String> = Set(account.secrets.map { $0.name })
        let because: String = "is not allowed because service account \(account.metadata.name) does not reference that"
        for volume in pod.spec.volumes {
            guard let secret = volume.secret, !allowed.contains(secret.secretName) else { continue }
            throw attributes.forbidden(
                "volume with secret.secretName=\(GoText.quoted(secret.secretName)) \(because) secret")
        }
        for (what, container) in Self.environments(of: pod) {
            for variable in container.env {
                guard let name = variable.valueFrom?.secretKeyRef?.name, !allowed.contains(name) else { continue }
                throw attributes.forbidden(
                    "\(what) \(container.name) with envVar \(variable.name) referencing secret.secretName="
                        + "\(GoText.quoted(name)) \(because) secret")
            }
        }
        let pulls: Set<String> = Set(account.imagePullSecrets.map { $0.name })
        for (index, reference) in pod.spec.imagePullSecrets.enumerated() where !pulls.contains(reference.name) {
            throw attributes.forbidden(
                "imagePullSecrets[\(index)].name=\(GoText.quoted(reference.name)) \(because) imagePullSecret")
        }
    }

    private struct Environment {
        var name: String
        var env: [EnvVar]
    }

    private static func environments(of pod: Pod) -> [(String, Environment)] {
        var result: [(String, Environment)] = []
        for container in pod.spec.initContainers {
            result.append(("init container", Environment(name: container.name, env: container.env)))
        }
        for container in pod.spec.containers {
            result.append(("container", Environment(name: container.name, env: container.env)))
        }
        for container in pod.spec.ephemeralContainers {
            result.append(("ephemeral container", Environment(name: container.name, env: container.env)))
        }
        return result
    }
}

/// Where pods name secrets.
enum PodSecrets {
    static func names(in pod: Pod) -> Set<String> {
        var names: Set<String> = Set(pod.spec.imagePullSecrets.map { $0.name })
        for volume in pod.spec.volumes {
            names.formUnion(volumeNames(volume))
        }
        for container in pod.spec.initContainers + pod.spec.containers {
            names.formUnion(container.env.compactMap { $0.valueFrom?.secretKeyRef?.name })
            names.formUnion(container.envFrom.compactMap { $0.secretRef?.name })
        }
        names.remove("")
        return names
    }

    private static func volumeNames(_ volume: Volume) -> [String] {
        let names: [String?] = [
            volume.secret?.secretName, volume.azureFile?.secretName, volume.cephfs?.secretRef?.name,
            volume.cinder?.secretRef?.name, volume.flexVolume?.secretRef?.name, volume.rbd?.secretRef?.name,
            volume.scaleIO?.secretRef?.name, volume.iscsi?.secretRef?.name, volume.storageos?.secretRef?.name,
            volume.csi?.nodePublishSecretRef?.name,
        ]
        return names.compactMap { $0 } + (volume.projected?.sources ?? []).compactMap { $0.secret?.name }
    }
}
