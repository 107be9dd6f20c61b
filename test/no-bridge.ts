// Before all tests: no container of theirs makes a bridge or a rule on this machine. Those that want
// a network have a machine of their own (network-world.ts), where it is the default again.

process.env["PIVOT_NETWORK"] ??= "none";
