/** A place among tokens that moves on as they are read, and the limits of what is read. */
import { isSign, type Token } from '../tokens.ts';
import { MAX_DEPTH, MAX_PARTS } from './tree.ts';

export class Unreadable extends Error {}

export class Cursor {
  protected readonly tokens: readonly Token[];
  protected at = 0;
  private depth = 0;
  private parts = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  protected token(): Token | undefined {
    return this.tokens[this.at];
  }

  /** The token at the place, which is behind it then. */
  protected take(): Token {
    return this.tokens[this.at++] ?? this.fail();
  }

  protected isSign(...texts: string[]): boolean {
    return isSign(this.token(), ...texts);
  }

  /** Is there one of these signs? The place is behind it then. */
  protected accepts(...texts: string[]): boolean {
    if (!this.isSign(...texts)) return false;
    this.at += 1;
    return true;
  }

  protected is(text: string): boolean {
    return this.token()?.text === text && this.token()!.kind !== 'word';
  }

  protected fail(): never {
    throw new Unreadable();
  }

  protected expect(text: string): void {
    if (!this.is(text)) this.fail();
    this.at += 1;
  }

  /** Counts a part more: an expression of too many would take too long to compare. */
  protected count(): void {
    if (++this.parts > MAX_PARTS) this.fail();
  }

  protected deeper<T>(read: () => T): T {
    if (++this.depth > MAX_DEPTH) this.fail();
    this.count();
    const found = read();
    this.depth -= 1;
    return found;
  }
}
