// How frames are spoilt, to see that an item fails when it has to.

/** Changes the text frames of one way that `isMeant` picks, and lets all else pass. */
export const on = (way, isMeant, change) => (frame, passes) => {
  const isText = Array.isArray(frame);
  return passes === way && isText && isMeant(frame) ? change(frame) : frame;
};

/** Loses the text frames of one way that `isMeant` picks. */
export const lose = (way, isMeant) => on(way, isMeant, () => null);

/** Sends the text frames of one way that `isMeant` picks twice. */
export const twice = (way, isMeant) => on(way, isMeant, (frame) => [frame, frame]);

export const isEvent = (name) => (frame) => frame[3] === name;
