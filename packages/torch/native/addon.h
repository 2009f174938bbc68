#pragma once
#include <napi.h>

namespace adsam {
void exportAllocator(Napi::Object exports);
void exportAutocast(Napi::Object exports);
void exportAutograd(Napi::Object exports);
void exportDispatch(Napi::Object exports);
void exportGenerator(Napi::Object exports);
void exportMemory(Napi::Object exports);
void exportTensor(Napi::Object exports);
}  // namespace adsam
