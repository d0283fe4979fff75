// How a row of pixels falls into columns of cells.
#pragma once

namespace fivefold {

// A stretch of a row that lies between the same two columns of cells.
struct Block {
    int start, count, cell;
};

}  // namespace fivefold
