/** Texts made safe to look at, as everywhere: `cli/visible.ts` says what that covers and what it does not. */
export { cutText, visible, visibleString, type Piece } from '../cli/visible.ts';
