/// The version of ISE.
public let iseVersion = "0.1.0"
