/// The version of ISE.
package let iseVersion = "0.1.0"
