/** What a program that is let loose has no business with: where people keep what opens doors. */

/** Below the home directory. */
const belowHome: readonly string[] = [
  ".aws",
  ".azure",
  ".config/gcloud",
  ".config/gh",
  ".docker/config.json",
  ".git-credentials",
  ".gnupg",
  ".kube",
  ".netrc",
  ".password-store",
  ".ssh",
];

const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`);

/**
 * The paths to cover: the usual ones and those asked for, less those that are to be shown. What is
 * not there is not covered, and nothing is made for it.
 *
 * @param home the home directory, or null
 */
export function hiddenPaths(
  home: string | null,
  hide: readonly string[],
  show: readonly string[],
): string[] {
  const usual = home === null ? [] : belowHome.map((name) => `${home.replace(/\/+$/, "")}/${name}`);
  const shown = (path: string): boolean => show.some((each) => isAtOrBelow(path, each));
  return [...new Set([...usual.filter((path) => !shown(path)), ...hide])];
}
