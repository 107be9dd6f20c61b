// What is refused, and the line that says so: a row for each rule.

import { expect, test } from "bun:test";
import { linesOf, withSections } from "./testdata/sections.ts";

const UID_RANGE = "expected a whole number from 0 to 4294967294, received the number";

const refused: readonly (readonly [sections: string, ...lines: string[]])[] = [
  // The document
  ['"root": null', "root: expected an object, received null"],
  ['"root": {}', "root.path: expected a path, received nothing"],
  ['"root": {"path": ""}', 'root.path: expected a path, received the string ""'],
  [
    '"root": {"path": "a", "readonly": "yes"}',
    'root.readonly: expected true or false, received the string "yes"',
  ],
  ...['"0.5.0"', '"1.0"', '"2.0.0"', '"1.0.0-01"', '"v1.0.0"', '"1.0.0\\n"'].map(
    (version): readonly [string, string] => [
      `"ociVersion": ${version}`,
      `ociVersion: expected a SemVer 2.0.0 version of the 1.x line, received the string ${version}`,
    ],
  ),
  ['"hostname": 3', "hostname: expected a string, received the number 3"],
  [
    '"hostname": "a\\u0000b"',
    'hostname: expected a string without a NUL character, received the string "a\\u0000b"',
  ],
  [
    '"hostname": "\\ud800"',
    'hostname: expected a string without a lone surrogate, received the string "\\ud800"',
  ],
  [
    '"annotations": {"": "x", "a": 1}',
    'annotations[""]: expected a key that is not empty, received the key ""',
    "annotations.a: expected a string, received the number 1",
  ],
  ['"annotations": []', "annotations: expected an object, received an empty array"],
  [
    '"root": {"path": "a", "path": "b"}',
    "root.path (line 1, column 47): expected the field only once, received it again",
  ],
  // Mounts
  [
    '"mounts": [{"destination": "/a"}, {"type": "tmpfs"}, 3]',
    "mounts[1].destination: expected a path, received nothing",
    "mounts[2]: expected an object, received the number 3",
  ],
  [
    '"mounts": [{"destination": "/a", "options": ["ro", null]}]',
    "mounts[0].options[1]: expected a string, received null",
  ],
  [
    '"mounts": [{"destination": "/a", "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}]',
    "mounts[0].gidMappings: expected mappings, since uidMappings has some, received none",
  ],
  [
    '"mounts": [{"destination": "/a", "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}], "uidMappings": []}]',
    "mounts[0].uidMappings: expected mappings, since gidMappings has some, received none",
  ],
  // The process
  [
    '"process": {}',
    "process.args: expected an array with at least the executable, received nothing",
    "process.cwd: expected an absolute path, received nothing",
  ],
  [
    '"process": {"args": [], "cwd": "tmp"}',
    "process.args: expected an array with at least the executable, received an empty array",
    'process.cwd: expected an absolute path, received the string "tmp"',
  ],
  [
    '"process": {"args": ["sh"], "cwd": "/", "env": [["A", "b"]]}',
    "process.env[0]: expected a string, received an array of 2",
  ],
  ...["4294967295", "4294967296", "-1", "10000000000", "18446744073709551615"].map(
    (uid): readonly [string, string] => [
      `"process": {"args": ["sh"], "cwd": "/", "user": {"uid": ${uid}, "gid": 0}}`,
      `process.user.uid: ${UID_RANGE} ${uid}`,
    ],
  ),
  ...["1.5", "1e3", "1.0"].map((uid): readonly [string, string] => [
    `"process": {"args": ["sh"], "cwd": "/", "user": {"uid": ${uid}, "gid": 0}}`,
    `process.user.uid: expected a whole number, received the number ${uid}`,
  ]),
  [
    '"process": {"args": ["sh"], "cwd": "/", "user": {"gid": "0", "additionalGids": [1, 4294967295], "umask": 512}}',
    'process.user.gid: expected a whole number, received the string "0"',
    `process.user.additionalGids[1]: ${UID_RANGE} 4294967295`,
    "process.user.umask: expected a file mode (whole number) from 0 to 511, received the number 512",
    "process.user.uid: expected a whole number, received nothing",
  ],
  [
    '"process": {"args": ["sh"], "cwd": "/", "rlimits": [{"type": "RLIMIT_CORE", "hard": 1, "soft": 2}, {"type": "RLIMIT_CORE", "hard": 0, "soft": 0}, {"type": "RLIMIT_CORE", "hard": 0, "soft": 0}, {"type": "RLIMIT_X", "hard": -1, "soft": 18446744073709551616}]}',
    "process.rlimits[0].soft: expected at most the hard limit, 1, received the number 2",
    'process.rlimits[2]: expected one entry per type, received a second "RLIMIT_CORE"',
    'process.rlimits[3].type: expected a resource of getrlimit(2) such as "RLIMIT_NOFILE", received the string "RLIMIT_X"',
    "process.rlimits[3].hard: expected a whole number from 0 to 18446744073709551615, received the number -1",
    "process.rlimits[3].soft: expected a whole number from 0 to 18446744073709551615, received the number 18446744073709551616",
  ],
  [
    '"process": {"args": ["sh"], "cwd": "/", "capabilities": ["CAP_KILL"]}',
    "process.capabilities: expected an object, received an array of 1",
  ],
  [
    '"process": {"args": ["sh"], "cwd": "/", "ioPriority": {"class": "IOPRIO_CLASS_NONE", "priority": 8}, "oomScoreAdj": 1001, "execCPUAffinity": {"initial": "0-"}}',
    'process.ioPriority.class: expected one of "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE", received the string "IOPRIO_CLASS_NONE"',
    "process.ioPriority.priority: expected a whole number from 0 to 7, received the number 8",
    "process.oomScoreAdj: expected a whole number from -1000 to 1000, received the number 1001",
    'process.execCPUAffinity.initial: expected a list of CPUs such as "0-3,7", received the string "0-"',
  ],
  // Hooks
  [
    '"hooks": {"poststop": [{"path": "bin/a", "timeout": 0}, {"path": "/a", "args": "a"}]}',
    'hooks.poststop[0].path: expected an absolute path, received the string "bin/a"',
    "hooks.poststop[0].timeout: expected a whole number of seconds, at least 1, received the number 0",
    'hooks.poststop[1].args: expected an array, received the string "a"',
  ],
  // Linux
  ['"linux": true', "linux: expected an object, received true"],
  [
    '"linux": {"namespaces": [{"type": "pid"}, {"type": "net"}, {"type": "network", "path": "run/a"}, {"type": "pid", "path": "/a"}]}',
    'linux.namespaces[1].type: expected one of "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time", received the string "net"',
    'linux.namespaces[2].path: expected an absolute path, received the string "run/a"',
    'linux.namespaces[3]: expected one entry per type, received a second "pid"',
  ],
  [
    '"linux": {"uidMappings": [{"containerID": 0, "hostID": 4294967294, "size": 2}, {"containerID": 0, "hostID": 0, "size": 0}, {"hostID": 0, "size": 1}]}',
    "linux.uidMappings[0].size: expected a range that ends by 4294967294, received a size of 2",
    "linux.uidMappings[1].size: expected a whole number of ids from 1 to 4294967295, received the number 0",
    "linux.uidMappings[2].containerID: expected a whole number, received nothing",
  ],
  [
    '"linux": {"timeOffsets": {"realtime": {}, "monotonic": {"nanosecs": 1000000000}, "boottime": {"secs": 9223372036854775808}}}',
    'linux.timeOffsets.realtime: expected one of the clocks "boottime", "monotonic", received the key "realtime"',
    "linux.timeOffsets.monotonic.nanosecs: expected a whole number of nanoseconds from 0 to 999999999, received the number 1000000000",
    "linux.timeOffsets.boottime.secs: expected a whole number of seconds from -9223372036854775808 to 9223372036854775807, received the number 9223372036854775808",
  ],
  [
    '"linux": {"devices": [{"path": "/dev/a", "type": "c"}, {"path": "dev/b", "type": "x"}, {"path": "/dev/c", "type": "b", "major": 4096, "minor": -1}, {"path": "/dev/p", "type": "p"}]}',
    'linux.devices[0].major: expected a major device number, since the type is "c", received nothing',
    'linux.devices[0].minor: expected a minor device number, since the type is "c", received nothing',
    'linux.devices[1].path: expected an absolute path, received the string "dev/b"',
    'linux.devices[1].type: expected one of "c", "b", "u", "p", received the string "x"',
    "linux.devices[2].major: expected a major device number from 0 to 4095, received the number 4096",
    "linux.devices[2].minor: expected a minor device number from 0 to 1048575, received the number -1",
  ],
  [
    '"linux": {"netDevices": {"a/b": {}, "eth0": {"name": "longer than fifteen"}}}',
    'linux.netDevices["a/b"]: expected the name of a network device, received the key "a/b"',
    'linux.netDevices.eth0.name: expected the name of a network device, received the string "longer than fifteen"',
  ],
  [
    '"linux": {"rootfsPropagation": "slaves", "maskedPaths": ["proc"], "readonlyPaths": [""]}',
    'linux.rootfsPropagation: expected one of "private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable", received the string "slaves"',
    'linux.maskedPaths[0]: expected an absolute path, received the string "proc"',
    'linux.readonlyPaths[0]: expected an absolute path, received the string ""',
  ],
  [
    '"linux": {"sysctl": {"net.a": "1\\n2", "a b": "1", "kernel/../vm": "1", "/kernel": "1", "a\\u0000": "1", "x": 1}}',
    'linux.sysctl["net.a"]: expected a single line, received the string "1\\n2"',
    'linux.sysctl["a b"]: expected the name of a sysctl, received the key "a b"',
    'linux.sysctl["kernel/../vm"]: expected the name of a sysctl, received the key "kernel/../vm"',
    'linux.sysctl["/kernel"]: expected the name of a sysctl, received the key "/kernel"',
    'linux.sysctl["a\\u0000"]: expected the name of a sysctl, received the key "a\\u0000"',
    "linux.sysctl.x: expected a single line, received the number 1",
  ],
  [
    '"linux": {"intelRdt": {"closID": "a/b", "memBwSchema": "L3:0", "schemata": ["a\\nb"]}}',
    'linux.intelRdt.closID: expected the name of a directory, or "/", received the string "a/b"',
    'linux.intelRdt.memBwSchema: expected a single line that starts with "MB:", received the string "L3:0"',
    'linux.intelRdt.schemata[0]: expected a single line, received the string "a\\nb"',
  ],
  [
    '"linux": {"memoryPolicy": {"nodes": "a"}, "personality": {"domain": "linux"}}',
    'linux.memoryPolicy.nodes: expected a list of memory nodes such as "0-3,7", received the string "a"',
    'linux.memoryPolicy.mode: expected one of "MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL", received nothing',
    'linux.personality.domain: expected one of "LINUX", "LINUX32", received the string "linux"',
  ],
  // Resources
  [
    '"linux": {"resources": {"memory": {"limit": "512m", "swap": -2, "reservation": 9223372036854775808, "swappiness": 101}}}',
    'linux.resources.memory.limit: expected a whole number of bytes, received the string "512m"',
    "linux.resources.memory.swap: expected a whole number of bytes from -1 to 9223372036854775807, received the number -2",
    "linux.resources.memory.reservation: expected a whole number of bytes from -1 to 9223372036854775807, received the number 9223372036854775808",
    "linux.resources.memory.swappiness: expected a whole number from 0 to 100, received the number 101",
  ],
  [
    '"linux": {"resources": {"devices": [{"access": "rwx"}, {"allow": 1, "type": "u", "major": -2}]}}',
    'linux.resources.devices[0].access: expected letters of "rwm", received the string "rwx"',
    "linux.resources.devices[0].allow: expected true or false, received nothing",
    "linux.resources.devices[1].allow: expected true or false, received the number 1",
    'linux.resources.devices[1].type: expected one of "a", "b", "c", received the string "u"',
    "linux.resources.devices[1].major: expected a major device number from -1 to 4095, received the number -2",
  ],
  [
    '"linux": {"resources": {"cpu": {"quota": 1000, "burst": 1001}, "pids": {"limit": -2}}}',
    "linux.resources.cpu.burst: expected at most the quota, 1000, received the number 1001",
    "linux.resources.pids.limit: expected a whole number of tasks from -1 to 9223372036854775807, received the number -2",
  ],
  [
    '"linux": {"resources": {"blockIO": {"weight": 65536, "weightDevice": [{"major": 8, "minor": 0}], "throttleReadBpsDevice": [{"major": 8, "minor": 0}]}}}',
    "linux.resources.blockIO.weight: expected a weight (whole number) from 0 to 65535, received the number 65536",
    "linux.resources.blockIO.weightDevice[0]: expected a weight, a leafWeight, or both, received neither",
    "linux.resources.blockIO.throttleReadBpsDevice[0].rate: expected a whole number per second, received nothing",
  ],
  [
    '"linux": {"resources": {"hugepageLimits": [{"pageSize": "2M", "limit": 1}], "rdma": {"a": {}}}}',
    'linux.resources.hugepageLimits[0].pageSize: expected a page size such as "2MB", received the string "2M"',
    "linux.resources.rdma.a: expected hcaHandles, hcaObjects, or both, received neither",
  ],
  [
    '"linux": {"resources": {"unified": {"../cpu.max": "1", "a/b": "1", "..": "1", "cpu.weight": 1}}}',
    'linux.resources.unified["../cpu.max"]: expected the name of a cgroup file, without "/" or "..", received the key "../cpu.max"',
    'linux.resources.unified["a/b"]: expected the name of a cgroup file, without "/" or "..", received the key "a/b"',
    'linux.resources.unified[".."]: expected the name of a cgroup file, without "/" or "..", received the key ".."',
    'linux.resources.unified["cpu.weight"]: expected a string, received the number 1',
  ],
  // Seccomp
  [
    '"linux": {"seccomp": {"architectures": ["x86"], "flags": ["TSYNC"]}}',
    'linux.seccomp.architectures[0]: expected a seccomp architecture such as "SCMP_ARCH_X86_64", received the string "x86"',
    'linux.seccomp.flags[0]: expected one of "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", received the string "TSYNC"',
    'linux.seccomp.defaultAction: expected one of "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", received nothing',
  ],
  [
    '"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO"}, {"names": ["a"], "action": "SCMP_ACT_KILL", "errnoRet": 1}, {"names": ["a"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "value": -1, "op": "=="}]}]}}',
    "linux.seccomp.syscalls[0].names: expected an array of names, received an empty array",
    "linux.seccomp.syscalls[1].errnoRet: expected no errno, since SCMP_ACT_KILL returns none, received the number 1",
    "linux.seccomp.syscalls[2].args[0].index: expected the index of an argument from 0 to 5, received the number 6",
    "linux.seccomp.syscalls[2].args[0].value: expected a whole number from 0 to 18446744073709551615, received the number -1",
    'linux.seccomp.syscalls[2].args[0].op: expected one of "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", received the string "=="',
  ],
  [
    '"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_NOTIFY"}]}}',
    "linux.seccomp.listenerPath: expected a path, since listenerMetadata is set, received nothing",
    "linux.seccomp.listenerPath: expected a path, since SCMP_ACT_NOTIFY is used, received nothing",
  ],
];

for (const [sections, ...lines] of refused) {
  test(`refused: ${sections.length > 90 ? `${sections.slice(0, 90)}…` : sections}`, () => {
    expect(linesOf(withSections(sections))).toEqual(lines);
  });
}
