// The config.json that the black-box tests of an OCI runtime begin with: the least that makes a
// container with namespaces of its own, so that a test adds what it is about.

/** A JSON value as tests write it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { [key: string]: Json | undefined };

/** The parts of config.json that tests change. */
export type Config = {
  ociVersion: Json;
  hostname?: Json;
  annotations?: Json;
  hooks?: JsonObject;
  process: JsonObject;
  root: JsonObject;
  mounts: JsonObject[];
  linux: JsonObject & { namespaces: JsonObject[]; resources: JsonObject };
};

const mount = (destination: string, type: string, options: string[]): JsonObject => ({
  destination,
  type,
  source: type,
  options,
});

/**
 * @param rootfs a directory on the host
 * @param cgroupsPath absolute: below the root of each hierarchy
 */
export function baseConfig(rootfs: string, cgroupsPath: string): Config {
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["/bin/sleep", "1000"],
      env: ["PATH=/bin"],
      cwd: "/",
      capabilities: Object.fromEntries(
        ["bounding", "effective", "permitted"].map((set) => [
          set,
          ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
        ]),
      ),
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: false },
    mounts: [
      mount("/proc", "proc", ["nosuid", "noexec", "nodev"]),
      mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
      mount("/dev/pts", "devpts", [
        "nosuid",
        "noexec",
        "newinstance",
        "ptmxmode=0666",
        "mode=0620",
      ]),
      mount("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ],
    linux: {
      cgroupsPath,
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
    },
  };
}
