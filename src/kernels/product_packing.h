// Brings operands of kernels/matrix_product.cpp into the order that the register tiles read.
#pragma once

#include <cstdint>

#include "kernels/matrix_product.h"

namespace limbeck::kernels {

// Elements k .. k+depth of the columns first .. first+columns (at most kPanelColumns) of b:
// [cells][columns rounded up to 16][numbers of a cell], padded by zeros.
void pack_panel(const Operand<float>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, float* to);
void pack_panel(const Operand<BFloat16>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, BFloat16* to);

// The same, each number rounded to bf16.
void pack_panel(const Operand<float>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, BFloat16* to);

// The same elements of the rows first .. first+rows (at most 1024) of a: strips [rows /
// kStripRows][cells][kStripRows][numbers].
void pack_strips(const Operand<float>& a, int64_t first, int64_t rows, int64_t k, int64_t depth, float* to);
void pack_strips(const Operand<BFloat16>& a, int64_t first, int64_t rows, int64_t k, int64_t depth, BFloat16* to);

}  // namespace limbeck::kernels
