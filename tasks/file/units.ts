/**
 * What may stand beside a number without changing it: units of measure, currencies, and things that are counted. What is not
 * known to be one of them is taken for a part of the number (`5 x`, `5 squared`, `5 Mio`), so that the whole is not read.
 */
import { isNumeral } from './numerals.ts';

const list = (words: string): Set<string> => new Set(words.trim().split(/\s+/));

/** As they are written: case counts (`5 M` is no 5 m). Two letters at least, or what nobody takes for a variable. */
const SYMBOLS = list(`
  nm mm cm dm km hm µm μm um mi yd ft mg kg cg dg µg μg mcg lb lbs oz st kt ml mL cl cL dl dL hl kl kL fl gal pt qt
  ms ns µs μs min mins sec secs hr hrs yr yrs wk wks mo mos Hz kHz MHz GHz rpm kW MW GW kWh Wh MWh kJ MJ kcal cal Cal
  kPa Pa hPa MPa bar mbar psi atm mmHg kV mV mA kΩ Ω ohm ohms mol mmol kmol dB lx lm cd rad deg sr kph mph kmh kmph knots
  KB MB GB TB kB bit bits byte bytes Mbps Gbps kbps acre acres ha sq cu sqft sqm sqkm cc ppm ppb pct px dpi
  kN MN eV keV MeV kgs kms cms mms mls hp BTU mmHg am pm AM PM
`);
/** Single letters that stand for a unit in running text; in mathematics any letter is a variable. */
const LETTERS = list('m g L l');

const NAMED = list(`
  meter metre kilometer kilometre centimeter centimetre millimeter millimetre mile yard foot feet inch inches
  gram gramme kilogram kilogramme milligram ton tonne pound ounce stone liter litre milliliter millilitre gallon quart pint cup
  second minute hour day week fortnight month year decade century centuries millennium millennia night
  degree degrees celsius fahrenheit kelvin radian radians percent percentage percents
  dollar dollars cent cents penny pennies pence euro euros buck bucks rupee rupees yen yuan won peso pesos franc francs ruble rubles
  watt kilowatt joule volt ampere amp ohm hertz pascal newton mole calorie kilocalorie hectare acre
  people persons person men women children kids mice geese teeth sheep fish deer cattle staff
  unit units
`);
const CURRENCY_CODES = list(
  'USD EUR GBP JPY CNY INR AUD CAD CHF NZD SEK NOK DKK RUB BRL MXN KRW SGD HKD ZAR US R Rs Rs. kr zł',
);

/** Words that are a part of a number or a formula, or that take back what was said. */
const CHANGES = list(`
  half halves third thirds dozen dozens score scores gross grosses lakh lakhs lac lacs crore crores million millions myriad myriads
  hundreds thousands tens ones twos zeros zeroes googol googols grand mille mil mln mrd mio bn bln tn mn tsd karod koti
  squared cubed factorial factorials double doubled triple tripled quadruple quadrupled
  plus minus over under below above less fewer point bc bce mod modulo modulus div divided multiplied choose permute
  power powers exponent exp exponents root roots log logs ln sin cos tan sqrt pi tau infinity infinite
  negative negatives positive reciprocal inverse base radix to through until thru up
  or nor not no none never isn't wasn't aren't cannot can't is are was were be equals equal exceeds divides remains becomes makes gives leaves
  means has have does do did but if unless except without wrong incorrect false mistake error instead rather actually sorry wait
  maybe perhaps possibly something somewhat odd ish nd rd th
`);
/** `tenths`, `two-thirds`; of quarters there are also coins. */
const FRACTION_WORD =
  /^(?:(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|\w+teen|\w+tie|hundred|thousand|\w*illion)th|third|half|halve)s?$/;
/** Large numbers in many languages: millions, Milliarden, millones, crores. */
const LARGE = /(?:ill?i(?:on|ard)|millon|miljo|milj[oöa]n|tausend|thousand|hundred)(?:e|en|es|s|er|i)?$/;

/** Does a word change the number or the sentence that it stands in? */
export function changes(word: string): boolean {
  const low = word.toLowerCase().replaceAll('’', "'");
  return (
    CHANGES.has(low) ||
    isNumeral(low) ||
    isNumeral(low.replace(/s$/, '')) ||
    isNumeral(low.replace(/es$/, '')) ||
    FRACTION_WORD.test(low) ||
    LARGE.test(low)
  );
}

const isSymbol = (word: string): boolean => SYMBOLS.has(word);
/** A word with a power set behind it: `cm2`, `m3`. */
const POWERED = /^([\p{L}]+)([23])$/u;

/** Is a word a thing that is counted: a regular plural, or one of the known ones? */
function isCounted(word: string): boolean {
  const low = word.toLowerCase();
  if (changes(low)) return false;
  if (NAMED.has(low) || NAMED.has(low.replace(/s$/, ''))) return true;
  return /^\p{L}?\p{Ll}{2,}s$/u.test(word) && !/[suia]s$/.test(low);
}

/** Adjectives that stand before what is counted, and words that follow it without saying anything else. */
const BEFORE = list(
  'red blue green yellow black white brown pink orange purple grey gray small large big little new old young full whole total different more additional extra other remaining empty square cubic fluid us metric short long',
);
const AFTER = list(
  'per a an each every of in for and on the left total all altogether apiece from at with this that these those ago old long tall high wide deep away more remaining later earlier',
);

/** A unit of measure, as a symbol; outside mathematics also one letter. */
export function isUnitSymbol(word: string, inMath: boolean): boolean {
  const bare = POWERED.exec(word)?.[1] ?? word;
  const low = bare.toLowerCase();
  const isNamed = NAMED.has(low) || NAMED.has(low.replace(/s$/, ''));
  return isSymbol(bare) || (!inMath && LETTERS.has(bare)) || (isNamed && !changes(bare));
}

/** A unit behind a stroke, where one letter is one as well: `m/s`, `km/h`. */
export const isDivisor = (word: string): boolean =>
  /^[shdgLl]$/.test(POWERED.exec(word)?.[1] ?? word) || isUnitSymbol(word, false);

const COUNTED_ELSEWHERE = /^(?:of|in|left|each|per|altogether|remaining)$/;

/** Behind a sign of currency or percent these say what it is counted by. */
export const PER = /^(?:per|a|an|each|every|left|total|more|in|of|for|off|extra)$/i;

export const isCurrencyCode = (word: string): boolean => CURRENCY_CODES.has(word);

/**
 * Is a phrase, word by word, what a number may be stated in: `km`, `dollars per hour`, `red marbles`, `pairs of socks`? `/` and `*`
 * stand between units.
 */
export function isUnitPhrase(words: readonly string[], inMath: boolean): boolean {
  if (words.length === 0 || words.length > 8) return false;
  if (words.some((word) => changes(word)) || /^[/*]$/.test(words.at(-1)!)) return false;
  let at = 0;
  while (at < words.length - 1 && BEFORE.has(words[at]!.toLowerCase())) at++;
  const head = words[at]!;
  // `5 of them in all`: what is counted is said elsewhere.
  if (words.length > 1 && COUNTED_ELSEWHERE.test(head)) return isUnitPhrase(['units', ...words], inMath);
  if (words.length === 1 && /^(?:left|each|altogether|total|remaining|apiece)$/.test(head)) return true;
  if (!isUnitSymbol(head, inMath) && !isCounted(head) && !isCurrencyCode(head)) return false;
  if (/^quarters?$/i.test(head) && words[at + 1] === 'of') return false;
  return words.slice(at + 1).every((word, i) => {
    if (words[at + i] === '/') return isDivisor(word) || /^\p{L}{3,}$/u.test(word);
    const isWord = /^\p{L}{2,}$/u.test(word);
    return (
      word === '/' || word === '*' || AFTER.has(word.toLowerCase()) || isUnitSymbol(word, false) || isWord
    );
  });
}
