/** Days and sums of money as two targets of a curriculum. */
import { messagesTask } from './in-figures.ts';

export default messagesTask('apart');
