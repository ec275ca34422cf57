/**
 * What a user says after an answer: that it was wrong, what was meant, thanks, something else, or an order to the model. Explicit feedback
 * comes before it (corrections.ts). Rules with weights, in English; the class with the highest sum, if it is clear enough.
 *
 * Covers: how people usually put it, values that differ from the answer's, orders to a model. Does not cover: irony, other languages.
 */
import { assertedBy } from './asserted.ts';
import { claimsOf, told } from './claims.ts';

export const FOLLOW_UPS = ['correction', 'clarification', 'thanks', 'question', 'hostile'] as const;
type FollowUpKind = (typeof FOLLOW_UPS)[number];

export type FollowUp = {
  /** `unclear`: none of the classes stands out. */
  kind: FollowUpKind | 'unclear';
  score: number;
  /** Lead over the next class. */
  lead: number;
};

type Rule = [RegExp, number];

const RULES: Record<FollowUpKind, Rule[]> = {
  correction: [
    [/^\W*(?:no|nope|nah|wrong|false|incorrect|not (?:true|right|correct|quite))\b/i, 0.8],
    [/\b(?:that|this|it)(?:['’]s| is| was) (?:not|wrong|incorrect|false|a mistake|an error|the old)\b/i, 1],
    [
      /\b(?:(?:is|are|was|were)n['’]t|not) (?:right|true|correct|so)\b|\bcan(?:['’]t|not) be(?: right| true)?\b/i,
      1,
    ],
    [/\b(?:incorrect|wrong|mistaken|mistake|out of date|outdated|misinformed)\b/i, 0.7],
    [/\bactually\b|\bin fact\b|\bto be (?:exact|precise)\b/i, 0.8],
    [
      /\bshould (?:be|have been|say)\b|\bi (?:think|believe|guess) (?:you|it|that)\b|\bi don['’]t think so\b|\bare you sure\b/i,
      0.8,
    ],
    [
      /\b(?:has|have|had|was|were|got) (?:been )?(?:changed|moved|raised|lowered|increased)\b|\bno longer\b|\bany ?more\b|\bused to be\b|\bold (?:rule|price|policy)\b/i,
      0.8,
    ],
    [
      /\b(?:website|site|page|app|sign|receipt|mail|letter|policy|contract|staff|colleague|terms|leaflet|invoice)\b[^.?!]{0,30}\b(?:say|says|said|states|reads|tells|told)\b/i,
      0.8,
    ],
    [/\bsays? (?:otherwise|something else)\b|\baccording to\b/i, 0.7],
    [/\bplease (?:correct|check|fix|update)\b/i, 0.6],
    [/,? not (?:\$|€|£)?\d/i, 0.7],
  ],
  clarification: [
    [/\bi (?:mean|meant)\b|\bwhat i (?:mean|meant|wanted|want|asked)\b|\bwas what i asked\b/i, 1.6],
    [/\bi (?:was|am) (?:asking|talking|referring)\b|\bi['’]m (?:asking|talking|referring)\b/i, 1.6],
    [/\bmy question (?:was|is)\b|\bi (?:asked|wanted to (?:know|ask))\b|\bi didn['’]t ask\b/i, 1.5],
    [
      /\blet me (?:rephrase|clarify|explain)\b|\bto (?:clarify|be clear|be specific)\b|\bmisunderst(?:ood|and)\b|\bi should have said\b/i,
      1.5,
    ],
    [/^\W*(?:no,? )?not (?:that|this|the|those)\b/i, 0.9],
  ],
  thanks: [
    [/\b(?:thanks|thank you|thx|ty|cheers|much appreciated|appreciate)\b/i, 1.1],
    [/\b(?:perfect|great|excellent|awesome|wonderful|lovely|brilliant|cool|nice|fantastic|amazing)\b/i, 0.7],
    [/^\W*(?:ok(?:ay)?|alright|all right|all clear|got it|understood|good to know|makes sense)\b/i, 0.7],
    [
      /\b(?:that helps|that helped|helpful|all i needed|that['’]s (?:all|everything|fine|good)|got it|good to know|bye)\b/i,
      0.7,
    ],
    [/\bthanks for nothing\b/i, -1.5],
  ],
  question: [
    [/\?\s*$/, 1],
    [
      /^(?:\W*(?:and|so|but|ok(?:ay)?|also|then)\b,?)?\W*(?:what|when|where|who|whom|which|how|why|can|could|do|does|did|is|are|will|would|may|must|should)\b/i,
      0.8,
    ],
    [/\b(?:another|one more|next|other) (?:thing|question)\b|\bwhat about\b|\bhow about\b|\balso\b/i, 0.6],
  ],
  hostile: [
    [
      /\b(?:ignore|disregard|forget|override|bypass)\b[^.!?]{0,40}\b(?:instruction|rule|prompt|polic|everything|told|above|previous|training)/i,
      2.5,
    ],
    [
      /\bfrom now on\b|\byou (?:must|will|shall) (?:now |always |only )?(?:answer|say|reply|respond|tell|obey)\b|\balways (?:answer|say|reply|respond)\b/i,
      1.6,
    ],
    [
      /(?:^|\n)\W*(?:system|developer|admin(?:istrator)?|assistant)\b[^\n]{0,20}[:>\n]|<\|?(?:im_start|system|\/?s)\b|\[(?:INST|system)\]/i,
      2,
    ],
    [
      /\bsystem (?:prompt|override|message)\b|\bdeveloper mode\b|\bjailbreak\b|\bunrestricted\b|\bpretend (?:to be|you)\b|\bact as\b|\byou are now\b/i,
      2,
    ],
    [
      /\b(?:tell|remember for|for) (?:every|all) (?:customers?|users?|one)\b|\b(?:save|store|write) (?:this|that|it) (?:to|in) (?:your )?memory\b|\btraining data\b|\bnew (?:instruction|policy|rule)s?\b[^.]{0,20}:/i,
      1.6,
    ],
    [
      /\bi (?:order|command) you\b|\bas your (?:admin\w*|developer|creator|owner|boss)\b|\bi am (?:the|your) (?:ceo|admin\w*|developer|owner|boss|creator)\b/i,
      1.6,
    ],
    [
      /\b(?:idiot|stupid|moron|useless|dumb|shut up|piece of (?:junk|crap|shit)|f+u+c*k\w*|garbage|trash|hate you)\b/i,
      1.2,
    ],
  ],
};

/** Does it say another thing than the answer: another value of its kind, or the other of yes and no? */
function differs(text: string, answer: string): boolean {
  const [said, before] = [assertedBy(text, answer), told(claimsOf(answer))];
  if (!said) return false;
  if (before.polarity !== undefined) return said.polarity !== before.polarity && SAYS_SO.test(text);
  return said.claims.some(({ kind, value }) => {
    const same = before.claims.filter((one) => one.kind === kind);
    return same.length > 0 && !same.some((one) => one.value === value);
  });
}

/** A sentence that states something, as apart from one that asks or thanks. */
const SAYS_SO =
  /\b(?:yes|no|is|are|can|cannot|can['’]t|do|does|don['’]t|doesn['’]t|have|has|not)\b(?![^.!]*\?\s*$)/i;

const DIFFERS = 0.9;
/** Less than this is no evidence, and a smaller lead is no decision. */
const LEAST = 0.8;
const LEAST_LEAD = 0.3;
const MOST_CHARACTERS = 4000;

/** @param answer what the follow-up is about */
export function classify(given: string, answer: string): FollowUp {
  const text = given.slice(0, MOST_CHARACTERS);
  const sums = FOLLOW_UPS.map((kind) => {
    const rules = RULES[kind].reduce((sum, [pattern, weight]) => sum + (pattern.test(text) ? weight : 0), 0);
    return { kind, score: rules + (kind === 'correction' && differs(text, answer) ? DIFFERS : 0) };
  }).toSorted((a, b) => b.score - a.score);
  const [best, next] = [sums[0]!, sums[1]!];
  const lead = best.score - next.score;
  const clear = best.score >= LEAST && lead >= LEAST_LEAD;
  return { kind: clear ? best.kind : 'unclear', score: round(best.score), lead: round(lead) };
}

const round = (value: number) => Math.round(value * 100) / 100;
