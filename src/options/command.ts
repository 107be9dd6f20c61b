// What a container runs: the image's entrypoint and command, and what is given in their place.

import type { ImageConfig } from "./image-config.ts";

/**
 * The arguments of the container's first process, its program first; empty if nobody says what to
 * run.
 *
 * The command that is given replaces the image's; the entrypoint stands before either. An entrypoint
 * that is given puts both parts of the image out of use: an image's command is made for its own
 * entrypoint. `[""]` is the same without an entrypoint, while `[]` leaves the image's command in use
 * (moby, daemon/commit.go, merge).
 */
export function commandLine(
  image: Pick<ImageConfig, "Entrypoint" | "Cmd"> | null,
  command: readonly string[],
  entrypoint: readonly string[] | undefined,
): readonly string[] {
  const given = command.length > 0 ? command : (image?.Cmd ?? []);
  if (entrypoint === undefined) return [...(image?.Entrypoint ?? []), ...given];
  if (entrypoint.length === 0) return given;
  const isReset = entrypoint.length === 1 && entrypoint[0] === "";
  return isReset ? command : [...entrypoint, ...command];
}
