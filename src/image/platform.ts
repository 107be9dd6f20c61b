/** Which manifest of an index is for this machine. */
import { ImageError, quote } from "./error.ts";
import type { Descriptor, Platform } from "./manifest.ts";

/** `process.arch` in the words of an image, which are Go's. */
const architectures: Readonly<Record<string, Omit<Platform, "os">>> = {
  x64: { architecture: "amd64", variant: undefined },
  ia32: { architecture: "386", variant: undefined },
  arm64: { architecture: "arm64", variant: "v8" },
  arm: { architecture: "arm", variant: "v7" },
  ppc64: { architecture: "ppc64le", variant: undefined },
  riscv64: { architecture: "riscv64", variant: undefined },
  s390x: { architecture: "s390x", variant: undefined },
  loong64: { architecture: "loong64", variant: undefined },
  mips64el: { architecture: "mips64le", variant: undefined },
};

/** What an architecture of several variants means where none is named, as containerd has it. */
const usualVariants: Readonly<Record<string, string>> = { arm64: "v8", arm: "v7" };

function withVariant({ os, architecture, variant }: Platform): Platform {
  const usual = Object.hasOwn(usualVariants, architecture)
    ? usualVariants[architecture]
    : undefined;
  return { os, architecture, variant: variant ?? usual };
}

/** The platform of a machine, given as `process.arch` has it. Containers are Linux. */
export function platformOf(arch: string): Platform {
  const known = Object.hasOwn(architectures, arch) ? architectures[arch] : undefined;
  return { os: "linux", ...(known ?? { architecture: arch, variant: undefined }) };
}

/** What other systems call an architecture, in the words of an image. */
const otherNames: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  i386: "386",
  i686: "386",
  aarch64: "arm64",
  armhf: "arm",
};

/**
 * Reads a platform as people type it: `linux/arm64`, `linux/arm/v7`, `amd64`.
 *
 * @throws ImageError `unsupported`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  if (parts.length === 1 && parts[0] !== "linux") parts.unshift("linux");
  const [os = "", given = "", variant] = parts;
  const isWell = parts.length <= 3 && parts.every((part) => /^[a-z0-9_.-]+$/.test(part));
  if (!isWell || given === "") {
    throw new ImageError(
      "unsupported",
      `${quote(text)} is not a platform: it looks like linux/amd64 or linux/arm/v7`,
    );
  }
  const architecture = Object.hasOwn(otherNames, given) ? (otherNames[given] ?? given) : given;
  return withVariant({ os, architecture, variant });
}

/** Whether it is this very platform; a variant counts where one is wanted. */
export function isPlatform(found: Platform, wanted: Platform): boolean {
  const { os, architecture, variant } = withVariant(found);
  const isSame = os === wanted.os && architecture === wanted.architecture;
  return isSame && (wanted.variant === undefined || variant === wanted.variant);
}

export function describePlatform(platform: Platform): string {
  const variant = platform.variant === undefined ? "" : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** Variants name a level that the machine may or may not reach: arm/v6, amd64/v3. */
function level(variant: string | undefined): number {
  return Number(/^v(\d+)$/.exec(variant ?? "v1")?.[1] ?? 99);
}

/** Higher is better; undefined does not run here. */
function fit(offered: Platform | undefined, wanted: Platform): number | undefined {
  // Without a platform it is for whoever asks: a layout with one image often says none.
  if (offered === undefined) return 0;
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return undefined;
  if (offered.variant === wanted.variant) return 100;
  if (offered.variant === undefined) return 50;
  return level(offered.variant) <= level(wanted.variant) ? level(offered.variant) : undefined;
}

/** Whether what is for one platform runs on another. */
export const runsOn = (image: Platform, platform: Platform): boolean =>
  fit(image, platform) !== undefined;

/**
 * Chooses from an index as containerd does: same system and architecture, the
 * nearest variant that is not above ours, the first among equals.
 *
 * @throws ImageError `unsupported`, with the platforms that there are
 */
export function selectPlatform(
  manifests: readonly Descriptor[],
  wanted: Platform,
  document: string,
): Descriptor {
  let best: Descriptor | undefined;
  let bestFit = -1;
  for (const manifest of manifests) {
    const itsFit = fit(manifest.platform, wanted);
    if (itsFit !== undefined && itsFit > bestFit) [best, bestFit] = [manifest, itsFit];
  }
  if (best !== undefined) return best;
  const offered = manifests
    .map((m) => (m.platform === undefined ? "?" : describePlatform(m.platform)))
    .filter((name) => name !== "unknown/unknown"); // attestations
  throw new ImageError(
    "unsupported",
    `${document} has nothing for ${describePlatform(wanted)}: it offers ${offered.join(", ") || "nothing"}`,
  );
}
