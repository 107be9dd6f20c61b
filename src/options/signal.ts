// Signals by name and by number.

import { accept, type Result, refuse } from "./problem.ts";

/** From number 1 on (signal(7), the numbers of x86 and ARM). */
const NAMES =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

const ALIASES: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29, UNUSED: 31 };

// The C library keeps the first two real-time signals of the kernel for itself.
const RTMIN = 34;
const RTMAX = 64;

/**
 * Parses a signal: a name with or without `SIG`, in any case, or a number from 1 to 64. The real-time
 * signals are `RTMIN`, `RTMIN+3`, `RTMAX-2` and so on.
 *
 * @returns its number
 */
export function parseSignal(given: string, option: string): Result<number> {
  const number = numberOf(given);
  return number === undefined
    ? refuse(option, given, "it is a signal such as SIGTERM, RTMIN+3 or 15")
    : accept(number);
}

function numberOf(given: string): number | undefined {
  if (/^\d{1,2}$/.test(given)) {
    const number = Number(given);
    return number >= 1 && number <= RTMAX ? number : undefined;
  }
  const name = given.toUpperCase().replace(/^SIG/, "");
  const realTime = /^RTM(?:IN(?:\+(\d{1,2}))?|AX(?:-(\d{1,2}))?)$/.exec(name);
  if (realTime !== null) {
    const [, up = "0", down = "0"] = realTime;
    const number = name.startsWith("RTMIN") ? RTMIN + Number(up) : RTMAX - Number(down);
    return number >= RTMIN && number <= RTMAX ? number : undefined;
  }
  if (Object.hasOwn(ALIASES, name)) return ALIASES[name];
  const index = NAMES.split(" ").indexOf(name);
  return index < 0 ? undefined : index + 1;
}
