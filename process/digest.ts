import { createHash } from 'node:crypto';

/** SHA-256 of a text or of bytes, as 64 hexadecimal digits. */
export const digestOf = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');
