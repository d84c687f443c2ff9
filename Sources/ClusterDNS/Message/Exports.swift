// Whoever asks or feeds the zone speaks of addresses.
@_exported public import InternetAddresses
