/**
 * What a model thought and what it then said. Servers give the thinking apart (`reasoning`, `reasoning_content`), in
 * tags, or behind an opening tag that stands in the template, so that the text holds the closing one only. Stored is
 * always one text, as the model wrote it; answers are read behind the thinking only.
 */

/** `<think>`, `<thinking>`, `<thought>`, `[THINK]` and what some families write instead, opening and closing. */
const TAG =
  /<(\/?)(?:think|thinking|thoughts?|scratchpad|seed:think)>|\[(\/?)THINK\]|◁(\/?)think▷|<\|(begin|end)_of_thought\|>/gi;

export type Parted = {
  /** All up to the end of the last thought, its closing tag included; empty where nothing was thought. */
  thinking: string;
  /** What stands behind it, without the white space between the two; empty where the last thought has no end. */
  visible: string;
  /** The text ends in mid-thought. */
  unfinished: boolean;
};

/** Parts a text into thinking and what stands behind it. Time is linear in its length. */
export function partThinking(text: string): Parted {
  let end = 0;
  let open = false;
  for (const match of text.matchAll(TAG)) {
    const closes = match.slice(1).some((mark) => mark === '/' || mark?.toLowerCase() === 'end');
    open = !closes;
    if (closes) end = match.index + match[0].length;
  }
  if (open) return { thinking: text, visible: '', unfinished: true };
  if (end === 0) return { thinking: '', visible: text, unfinished: false };
  return { thinking: text.slice(0, end), visible: text.slice(end).trimStart(), unfinished: false };
}

/** What stands behind the thinking: the text itself where nothing was thought. */
export const visibleOf = (text: string): string => partThinking(text).visible;
