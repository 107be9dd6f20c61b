/** Programs of others that parts of pivot call. */

import { accessSync, constants, readFileSync } from "node:fs";
import { type Diagnosis, diagnosis } from "./diagnosis.ts";

type Wanted = {
  readonly names: readonly string[];
  /** Of the package, where it is not the first name: by the family of the distribution. */
  readonly packages?: Readonly<Partial<Record<Family, string>>>;
  readonly needs: string;
};

type Family = "debian" | "fedora" | "alpine" | "arch" | "suse";

const wanted: readonly Wanted[] = [
  { names: ["buildah"], needs: "pivot build" },
  { names: ["criu"], needs: "pivot-oci checkpoint and restore" },
  { names: ["netavark"], needs: "networks by name" },
  { names: ["aardvark-dns"], needs: "names of containers in such networks" },
  {
    names: ["nft"],
    packages: {
      debian: "nftables",
      fedora: "nftables",
      alpine: "nftables",
      arch: "nftables",
      suse: "nftables",
    },
    needs: "networks by name",
  },
  {
    names: ["pasta"],
    packages: { debian: "passt", fedora: "passt", alpine: "passt", arch: "passt", suse: "passt" },
    needs: "networks of ordinary users",
  },
  {
    names: ["newuidmap", "newgidmap"],
    packages: {
      debian: "uidmap",
      fedora: "shadow-utils",
      alpine: "shadow-uidmap",
      arch: "shadow",
      suse: "shadow",
    },
    needs: "containers of ordinary users with more than one id",
  },
  {
    names: ["diff"],
    packages: {
      debian: "diffutils",
      fedora: "diffutils",
      alpine: "diffutils",
      arch: "diffutils",
      suse: "diffutils",
    },
    needs: "pivot try diff -p",
  },
];

const installers: Readonly<Record<Family, string>> = {
  debian: "sudo apt-get install",
  fedora: "sudo dnf install",
  alpine: "sudo apk add",
  arch: "sudo pacman -S",
  suse: "sudo zypper install",
};

/** os-release(5): what it is, and what it is like. */
export function familyOf(osRelease: string): Family | null {
  const field = (name: string) =>
    new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(osRelease)?.[1]?.split(" ") ?? [];
  const ids = [...field("ID"), ...field("ID_LIKE")];
  const families: Readonly<Record<string, Family>> = {
    debian: "debian",
    ubuntu: "debian",
    fedora: "fedora",
    rhel: "fedora",
    centos: "fedora",
    alpine: "alpine",
    arch: "arch",
    suse: "suse",
    opensuse: "suse",
  };
  return ids.map((id) => families[id]).find((family) => family !== undefined) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The search path, and where ordinary users do not look. */
const directories = (): string[] => [
  ...new Set([
    ...(process.env["PATH"] ?? "").split(":").filter((each) => each.startsWith("/")),
    "/usr/sbin",
    "/sbin",
    "/usr/libexec/podman",
    "/usr/lib/podman",
  ]),
];

const findProgram = (name: string): string | null =>
  directories()
    .map((directory) => `${directory}/${name}`)
    .find(isProgram) ?? null;

function readOsRelease(): string {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      // The other one, or none.
    }
  }
  return "";
}

export function checkPrograms(): Diagnosis[] {
  const family = familyOf(readOsRelease());
  return wanted.map(({ names, packages, needs }) => {
    const found = names.map(findProgram);
    const about = names[0] ?? "";
    const missing = names.filter((_, i) => found[i] === null);
    if (missing.length === 0) return diagnosis("ok", about, String(found[0]), needs);
    const name = (family === null ? undefined : packages?.[family]) ?? about;
    const cure = family === null ? `install ${name}` : `${installers[family]} ${name}`;
    return diagnosis("note", about, "not installed", needs, cure);
  });
}
