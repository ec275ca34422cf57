/**
 * Expressions of mathematics from tokens, by recursive descent, read whole or not at all: whatever has two meanings (`1/2x`, `2 3`,
 * `f(x)`) or none throws `Unreadable`.
 */
import { formAt, literal } from '../forms.ts';
import { FRACTION, type Token } from '../tokens.ts';
import { Cursor } from './cursor.ts';
import { BINOMIAL, FUNCTIONS, GREEK, INVERSE, letterOf, NAMES_FUNCTION, SPELLED } from './names.ts';
import { call, negative, number, product, quotient, sum, type Expr } from './tree.ts';

const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/** @throws Unreadable for what is no one expression from its first token to its last */
export const expressionOf = (tokens: readonly Token[]): Expr => new Reader(tokens).whole();

class Reader extends Cursor {
  // Within a function's argument degrees are angles; elsewhere they are a unit.
  private inFunction = 0;
  // Between bars the next bar closes.
  private bars = 0;

  whole(): Expr {
    const found = this.expression();
    return this.at === this.tokens.length ? found : this.fail();
  }

  private expression(): Expr {
    return this.deeper(() => {
      const terms: Expr[] = [this.term()];
      let either: Expr | undefined;
      while (this.isSign('+', '-', '±')) {
        const sign = this.take().text;
        const next = this.term();
        if (sign !== '±') terms.push(sign === '-' ? negative(next) : next);
        else if (either) this.fail();
        else either = next;
      }
      const all = sum(...terms);
      return either ? { kind: 'either', of: [sum(all, either), sum(all, negative(either))] } : all;
    });
  }

  private term(): Expr {
    if (this.isSign('-', '+', '±')) {
      const sign = this.take().text;
      const of = this.deeper(() => this.term());
      if (sign === '±') return { kind: 'either', of: [of, negative(of)] };
      return sign === '-' ? negative(of) : of;
    }
    const factors: Expr[] = [this.factor()];
    let divided = false;
    for (;;) {
      this.count();
      if (this.accepts('*')) factors.push(this.signed());
      else if (this.accepts('/')) {
        factors.push({ kind: 'inverse', of: this.signed() });
        divided = true;
      } else if (this.beginsFactor()) {
        // `1/2x` may be a half of x or one by 2x.
        if (divided || this.token()!.kind === 'number') this.fail();
        factors.push(this.factor());
      } else return product(...factors);
    }
  }

  private signed(): Expr {
    if (!this.isSign('-', '+')) return this.factor();
    const sign = this.take().text;
    const of = this.factor();
    return sign === '-' ? negative(of) : of;
  }

  private beginsFactor(): boolean {
    const next = this.token();
    if (!next || next.quoted) return false;
    if (next.kind === 'word') return !/^(?:and|or|if|for|where|with|mod|in)$/i.test(next.text);
    if (next.kind === 'number' || next.kind === 'vulgar') return true;
    if (next.kind === 'open') return next.text === '(' || next.text === '{' || next.text === '[';
    if (next.kind === 'command')
      return (
        FRACTION.test(next.text) ||
        /^(?:sqrt|pi|lfloor|lceil)$/.test(next.text) ||
        GREEK.test(next.text) ||
        FUNCTIONS.has(next.text) ||
        BINOMIAL.test(next.text)
      );
    return next.text === '|' && this.bars === 0;
  }

  private factor(): Expr {
    return this.deeper(() => {
      let value = this.primary();
      for (;;) {
        if (this.accepts('!')) value = { kind: 'factorial', of: value };
        else if (this.accepts('%')) value = quotient(value, number(100n));
        else if (this.accepts('°')) {
          if (this.inFunction > 0)
            value = product(value, { kind: 'constant', name: 'pi' }, quotient(number(1n), number(180n)));
        } else if (this.accepts('^')) {
          value = { kind: 'power', base: value, exponent: this.exponent() };
          // `2^3^4` is read from the right, and written so by nobody.
          if (this.isSign('^', '!')) this.fail();
        } else return value;
      }
    });
  }

  private exponent(): Expr {
    if (this.is('{') || this.is('(')) return this.group();
    const minus = this.accepts('-');
    const value = this.token()?.kind === 'number' ? this.numeral() : this.name();
    return minus ? negative(value) : value;
  }

  private group(): Expr {
    const open = this.take().text;
    const outer = this.bars;
    this.bars = 0;
    let value = this.expression();
    this.bars = outer;
    if (open === '{' && this.token()?.kind === 'command' && this.is('over')) {
      this.at += 1;
      value = quotient(value, this.expression());
    }
    this.expect(CLOSING[open] ?? this.fail());
    return value;
  }

  private numeral(): Expr {
    const value = literal(this.tokens[this.at]!.text, 'alone');
    if (!value || this.tokens[this.at]!.text.includes(',')) {
      if (!value || !/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(this.tokens[this.at]!.text)) this.fail();
    }
    this.at += 1;
    return { kind: 'number', value };
  }

  private primary(): Expr {
    const next = this.token();
    if (!next || next.quoted) this.fail();
    if (next.kind === 'number' || next.kind === 'vulgar') return this.mixed();
    if (next.kind === 'word') return this.word();
    if (next.kind === 'command') return this.command();
    if (next.kind === 'open' && /^[({[]$/.test(next.text)) return this.group();
    if (this.isSign('|') && this.bars === 0) {
      this.at += 1;
      this.bars = 1;
      const of = this.expression();
      this.bars = 0;
      this.expect('|');
      return { kind: 'absolute', of };
    }
    if (this.accepts('∞')) return { kind: 'constant', name: 'infinity' };
    return this.fail();
  }

  /** A number, and a proper fraction right behind it: `2\frac{1}{2}`, `1 1/4`, `3½`. */
  private mixed(): Expr {
    const [first, second, third] = [
      this.tokens[this.at]!,
      this.tokens[this.at + 1],
      this.tokens[this.at + 2],
    ];
    const follows =
      second?.kind === 'vulgar' ||
      (second?.kind === 'command' && FRACTION.test(second.text)) ||
      (second?.kind === 'number' && second.spaced && third?.text === '/');
    if (first.kind === 'number' && follows) {
      const form = formAt(this.tokens, this.at, 'alone');
      const isPlain =
        second.kind === 'command' && !form && !/^\d+$/.test(this.tokens[this.at + 3]?.text ?? '');
      if (form && form.end > this.at + 1) {
        this.at = form.end;
        if (this.isSign('^', '!', '/')) this.fail();
        return { kind: 'number', value: form.value };
      }
      if (!isPlain) this.fail();
    }
    if (first.kind === 'vulgar') {
      const form = formAt(this.tokens, this.at, 'alone') ?? this.fail();
      this.at = form.end;
      return { kind: 'number', value: form.value };
    }
    return this.numeral();
  }

  private word(): Expr {
    const { text } = this.tokens[this.at]!;
    if (FUNCTIONS.has(text)) return this.named(text);
    if (text === 'pi' || text === 'π') {
      this.at += 1;
      return { kind: 'constant', name: 'pi' };
    }
    // Letters side by side are a product, whether they touch or not; a word is none.
    if (/\d/.test(text) || text.length > 3 || /^(?:and|or|the|is|yes|no|not|mod|of|to|in)$/i.test(text))
      this.fail();
    if (text.length === 1) return this.name();
    this.at += 1;
    const letters = Array.from(text, (letter) => letterOf(letter));
    const last = letters.pop()!;
    // `ab^2`: the power is the last letter's.
    if (this.accepts('^'))
      return product(...letters, { kind: 'power', base: last, exponent: this.exponent() });
    return product(...letters, last);
  }

  /** A letter, Greek or not, with what is written below it. */
  private name(): Expr {
    const { kind, text } = this.token() ?? this.fail();
    if (kind === 'command' && text === 'pi') {
      this.at += 1;
      return { kind: 'constant', name: 'pi' };
    }
    if (!(kind === 'word' && text.length === 1) && !(kind === 'command' && GREEK.test(text))) this.fail();
    this.at += 1;
    if (text === 'π') return { kind: 'constant', name: 'pi' };
    if (NAMES_FUNCTION.test(text) && this.is('(')) this.fail();
    if (!this.accepts('_')) return kind === 'word' ? letterOf(text) : { kind: 'variable', name: text };
    const braced = this.is('{');
    if (braced) this.at += 1;
    const below = this.token();
    if (below?.kind !== 'word' && below?.kind !== 'number') this.fail();
    this.at += 1;
    if (braced) this.expect('}');
    return { kind: 'variable', name: `${text}_${below.text}` };
  }

  private command(): Expr {
    const { text } = this.tokens[this.at]!;
    if (text === 'pi' || GREEK.test(text)) return this.name();
    if (FRACTION.test(text) || BINOMIAL.test(text)) {
      this.at += 1;
      const [above, below] = [this.argument(), this.argument()];
      return FRACTION.test(text) ? quotient(above, below) : call('binomial', above, below);
    }
    if (text === 'lfloor' || text === 'lceil') {
      this.at += 1;
      const of = this.expression();
      this.expect(text === 'lfloor' ? 'rfloor' : 'rceil');
      return call(text === 'lfloor' ? 'floor' : 'ceiling', of);
    }
    return FUNCTIONS.has(text) ? this.named(text) : this.fail();
  }

  /** What a command takes: a group, one digit or one letter. */
  private argument(): Expr {
    if (this.is('{')) return this.group();
    if (this.token()?.kind === 'number') return this.numeral();
    return this.name();
  }

  private named(name: string): Expr {
    this.at += 1;
    if (name === 'sqrt') {
      let degree: Expr = number(2n);
      if (this.is('[')) degree = this.group();
      return call('root', this.is('(') || this.is('{') ? this.group() : this.argument(), degree);
    }
    let of = SPELLED[name] ?? name;
    let power: Expr | undefined;
    let base: Expr | undefined;
    if (this.isSign('_') && name === 'log') {
      this.at += 1;
      base = this.is('{') ? this.group() : this.argument();
    }
    if (this.accepts('^')) {
      const raised = this.exponent();
      const isInverse =
        raised.kind === 'negative' && raised.of.kind === 'number' && raised.of.value.top === 1n;
      if (isInverse) of = INVERSE[name] ?? this.fail();
      else power = raised;
    }
    this.inFunction += 1;
    const args = this.functionArguments();
    this.inFunction -= 1;
    const value = call(of, ...args, ...(base ? [base] : []));
    return power ? { kind: 'power', base: value, exponent: power } : value;
  }

  private functionArguments(): Expr[] {
    if (this.is('(')) {
      this.at += 1;
      const outer = this.bars;
      this.bars = 0;
      const args = [this.expression()];
      while (this.accepts(',')) args.push(this.expression());
      this.bars = outer;
      this.expect(')');
      // `\sin(x)^2` may be either square.
      if (this.isSign('^')) this.fail();
      return args;
    }
    const factors: Expr[] = [];
    while (this.beginsFactor() && !this.isFunction() && !(this.is('(') && factors.length > 0))
      factors.push(this.factor());
    if (factors.length === 0) this.fail();
    return [product(...factors)];
  }

  private isFunction(): boolean {
    return FUNCTIONS.has(this.token()?.text ?? '') && !this.is('sqrt');
  }
}
