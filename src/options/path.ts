// Paths as text: nothing here looks at a file system.

export function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

/**
 * An absolute path without empty, `.` and `..` parts and without a slash at its end.
 *
 * `..` goes by the text alone, as in a shell's `cd`: where a directory is a symbolic link, that is not
 * where the kernel would go.
 */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The path, from the directory `cwd` if it is relative, and clean. */
export function absoluteFrom(path: string, cwd: string): string {
  return cleanPath(isAbsolute(path) ? path : `${cwd}/${path}`);
}

/** How many directories lie between `/` and the path. */
export function depthOf(path: string): number {
  return path.split("/").filter((part) => part !== "").length;
}

/** What is wrong with a path inside the container that something is mounted on; null if nothing. */
export function targetProblem(target: string): string | null {
  if (target === "") return "a target is required: the path in the container";
  if (!isAbsolute(target)) return `the target ${target} is not an absolute path`;
  if (cleanPath(target) === "/") return "the target cannot be /, the root itself";
  return target.includes("\0") ? "the target contains a NUL character" : null;
}
