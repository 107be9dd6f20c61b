// IP addresses as text.

/** Whether the text is an IPv4 address, `192.0.2.1`, or an IPv6 address without brackets and zone. */
export function isIpAddress(text: string): boolean {
  return isIPv4(text) || isIPv6(text);
}

export function isIPv4(text: string): boolean {
  const parts = text.split(".");
  // No leading zeros: some readers take them for octal.
  return (
    parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  );
}

/** RFC 4291, section 2.2. */
export function isIPv6(text: string): boolean {
  const halves = text.split("::");
  const [before = "", after] = halves;
  if (halves.length > 2) return false;
  if (after === undefined) return groupsIn(before, true) === 8;
  const count = groupsIn(before, false) + groupsIn(after, true);
  return count <= 7;
}

/** How many groups of 16 bits the text has; infinitely many if it is no part of an address. */
function groupsIn(text: string, mayEndInIPv4: boolean): number {
  if (text === "") return 0;
  const groups = text.split(":");
  const last = groups.at(-1) ?? "";
  const extra = mayEndInIPv4 && isIPv4(last) ? 1 : 0;
  const hexadecimal = extra === 0 ? groups : groups.slice(0, -1);
  const fits = hexadecimal.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group));
  return fits ? groups.length + extra : Number.POSITIVE_INFINITY;
}
