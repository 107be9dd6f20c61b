/** /etc/subuid, /etc/subgid and the names of users: read when a user namespace asks for them. */

import { readFileSync } from "node:fs";
import { type Owner, parseSubordinate, type SubordinateFile } from "../users/subordinate.ts";

/** Where they are; tests and a chroot have others. */
export type IdFiles = {
  readonly subuid: string;
  readonly subgid: string;
  readonly passwd: string;
};

export const idFiles: IdFiles = {
  subuid: "/etc/subuid",
  subgid: "/etc/subgid",
  passwd: "/etc/passwd",
};

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Both files; one that is not there has no ranges. */
export const readSubordinate = (
  files: IdFiles = idFiles,
): { readonly uid: SubordinateFile; readonly gid: SubordinateFile } => ({
  uid: parseSubordinate(textOf(files.subuid)),
  gid: parseSubordinate(textOf(files.subgid)),
});

function findUser(files: IdFiles, isIt: (name: string, uid: number) => boolean): Owner | null {
  for (const line of textOf(files.passwd).split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (name !== "" && /^\d+$/.test(uid) && isIt(name, Number(uid))) {
      return { name, uid: Number(uid) };
    }
  }
  return null;
}

/** A user by uid, with the name that /etc/passwd has for it; what other services know is not asked. */
export const userOfUid = (wanted: number, files: IdFiles = idFiles): Owner =>
  findUser(files, (_name, uid) => uid === wanted) ?? { name: null, uid: wanted };

/** A user by name. */
export const userOfName = (wanted: string, files: IdFiles = idFiles): Owner =>
  findUser(files, (name) => name === wanted) ?? { name: wanted, uid: null };
