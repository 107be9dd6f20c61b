// What size a shell in a container finds its terminal to have.

import type { Session } from "../session.ts";
import { until } from "./world.ts";

/** Asks the shell until it says `ROWS COLUMNS`: clients tell of a size in their own time. */
export const sizeIsSeen = (session: Session, size: string): Promise<void> =>
  until(`the size ${size} is seen inside`, async () => {
    session.type("stty size\n");
    // A shell draws its prompt anew when the size changes, so nothing is said of what follows.
    return (await session.until(/\d+ \d+\r+\n/, 15)).includes(size);
  });
