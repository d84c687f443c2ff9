package import APIMachinery

/// The cluster's authority, as its controllers see it; they know nothing of X.509.
package protocol CertificateSigner: Sendable {
    /// What a request in PEM asks for, without usages, which the API object says.
    func subject(ofRequest pem: [UInt8]) throws(CertificateSignerError) -> SigningSubject
    /// A certificate in PEM.
    ///
    /// - Parameter lifetime: seconds.
    func sign(
        request pem: [UInt8], usages: [String], lifetime: Int, now: Time
    ) throws(CertificateSignerError) -> [UInt8]
    /// When a certificate in PEM ends; nil if it is none.
    func end(ofCertificate pem: [UInt8]) -> Time?
}

package struct CertificateSignerError: Error, Sendable, Equatable {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }
}
