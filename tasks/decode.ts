/** Bytes of a user's file as text: UTF-8 and nothing else. What is not is named, with its place, and never guessed at. */

/** By their first bytes. UTF-32 begins like UTF-16, so it comes first. */
const SIGNATURES: [number[], string][] = [
  [
    [0x1f, 0x8b],
    'is packed (gzip): data may be so under a name that ends in .gz; else unpack it first, with gunzip',
  ],
  [[0x50, 0x4b, 0x03, 0x04], 'is packed (zip): unpack it first'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'is packed (zstd): unpack it first, with unzstd'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'is packed (xz): unpack it first, with unxz'],
  [[0x42, 0x5a, 0x68], 'is packed (bzip2): unpack it first, with bunzip2'],
  [
    [0x50, 0x41, 0x52, 0x31],
    'is Parquet: data may be so under a name that ends in .parquet; else write it as text in UTF-8 first',
  ],
  [[0xff, 0xfe, 0x00, 0x00], 'is UTF-32: save it as UTF-8'],
  [[0xff, 0xfe], 'is UTF-16: save it as UTF-8, with iconv -f UTF-16 -t UTF-8'],
  [[0xfe, 0xff], 'is UTF-16: save it as UTF-8, with iconv -f UTF-16 -t UTF-8'],
];

/** Why a file with these first bytes is no text in UTF-8 as a whole; undefined where nothing speaks against it. */
export function foreignFile(start: Buffer): string | undefined {
  const found = SIGNATURES.find(([signature]) => signature.every((byte, i) => start[i] === byte));
  if (found) return found[1];
  // UTF-16 without its mark: ordinary letters have a zero byte before or behind them.
  const [a, b, c, d] = start;
  if (start.length >= 4 && ((a === 0 && b !== 0 && c === 0) || (a !== 0 && b === 0 && d === 0)))
    return 'is UTF-16: save it as UTF-8, with iconv -f UTF-16 -t UTF-8';
  return undefined;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Strictly as UTF-8, the byte-order mark left in.
 *
 * @returns the text, or what is wrong with it and where, in the words of `has …`
 */
export function decodeUtf8(bytes: Uint8Array): { text: string } | { problem: string } {
  try {
    return { text: decoder.decode(bytes) };
  } catch {
    const at = validUntil(bytes);
    const byte = bytes[at]?.toString(16).toUpperCase().padStart(2, '0') ?? '';
    return {
      problem: `is not UTF-8: byte ${at + 1} is 0x${byte}; save the file as UTF-8 (it may be Latin-1, or another page of Windows)`,
    };
  }
}

/** A whole file as text, without its byte-order mark. */
export function decodeFile(bytes: Buffer): { text: string } | { problem: string } {
  const foreign = foreignFile(bytes);
  if (foreign) return { problem: foreign };
  const decoded = decodeUtf8(bytes);
  return 'text' in decoded ? { text: decoded.text.replace(/^\uFEFF/, '') } : decoded;
}

/** First byte of a character of several, from and to; how many follow; the range of the second (RFC 3629, section 4). */
const SEQUENCES: [number, number, number, number, number][] = [
  [0xc2, 0xdf, 1, 0x80, 0xbf],
  [0xe0, 0xe0, 2, 0xa0, 0xbf],
  [0xe1, 0xec, 2, 0x80, 0xbf],
  [0xed, 0xed, 2, 0x80, 0x9f],
  [0xee, 0xef, 2, 0x80, 0xbf],
  [0xf0, 0xf0, 3, 0x90, 0xbf],
  [0xf1, 0xf3, 3, 0x80, 0xbf],
  [0xf4, 0xf4, 3, 0x80, 0x8f],
];

/** How many bytes from the front are whole characters of UTF-8. */
function validUntil(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at]!;
    if (first < 0x80) {
      at += 1;
      continue;
    }
    const sequence = SEQUENCES.find(([from, to]) => first >= from && first <= to);
    if (!sequence) return at;
    const [, , following, low, high] = sequence;
    for (let i = 1; i <= following; i++) {
      const byte = bytes[at + i] ?? 0;
      if (byte < (i === 1 ? low : 0x80) || byte > (i === 1 ? high : 0xbf)) return at;
    }
    at += following + 1;
  }
  return at;
}
