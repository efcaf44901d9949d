export const DIALOGUE = [];
