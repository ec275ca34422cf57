/** Who calls a server of ours: names and secrets, compared in one way by the gateway and the web page. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

/** The name in a Host or Origin header, or in an address: no port, no brackets, small letters. Undefined where it is none. */
export function hostName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return bareHost(new URL(text.includes('://') ? text : `http://${text}`).hostname);
  } catch {
    return undefined;
  }
}

/** A host as a server listens on it: an IPv6 address without the brackets that URLs put around it. */
export function bareHost(host: string): string {
  return host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
}

/** A host as it stands in a URL. */
export function urlHost(host: string): string {
  const name = bareHost(host);
  return name.includes(':') ? `[${name}]` : name;
}

/**
 * Is this a name or an address under which only the machine itself reaches a server? `localhost`, all of 127.0.0.0/8 and
 * `::1` in any of its spellings, with brackets or without. A name that merely resolves to one of them is not.
 */
export function isLoopback(host: string): boolean {
  const name = bareHost(host);
  if (name === 'localhost') return true;
  if (isIPv4(name)) return name.startsWith('127.');
  // A URL has every IPv6 address in its shortest form.
  return isIPv6(name) && !name.includes('%') && new URL(`http://[${name}]`).hostname === '[::1]';
}

/** Why the path or the query of an address can be no text: an escape that is none, bytes that are no UTF-8, or the character NUL. */
export function addressProblem(url: string): string | undefined {
  const from = url.indexOf('/', url.indexOf('://') + 3);
  try {
    const text = decodeURIComponent(url.slice(from === -1 ? url.length : from).replaceAll('+', ' '));
    return text.includes('\0') ? 'holds the character NUL (%00)' : undefined;
  } catch {
    return 'holds an escape (%…) that stands for no character';
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares in a time that tells nothing about where two texts differ, nor how long they are. */
export function sameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

/** The token of an `Authorization: Bearer …` header. */
export function bearer(header: string | undefined): string | undefined {
  return /^Bearer (.+)$/i.exec(header ?? '')?.[1];
}
