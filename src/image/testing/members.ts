/** Short ways to write the members of a test's archive. */
import type { TarMember } from "../tar-writer.ts";

export function file(name: string, content = "x", more: Partial<TarMember> = {}): TarMember {
  return { name, mode: 0o644, content: Buffer.from(content), ...more };
}

export function dir(name: string, mode = 0o755, more: Partial<TarMember> = {}): TarMember {
  return { name, type: "directory", mode, ...more };
}

export function link(name: string, to: string): TarMember {
  return { name, type: "symlink", link: to, mode: 0o777 };
}

export function hard(name: string, to: string): TarMember {
  return { name, type: "hardlink", link: to };
}

/** Fields with one extended attribute. */
export function xattr(name: string, value: string): Pick<TarMember, "xattrs"> {
  return { xattrs: new Map([[name, value]]) };
}
