# SPDX-License-Identifier: GPL-3.0-or-later

# Posting of recommendations: a library of its own, so that only it and its tests need libcurl.
noinst_HEADERS += manager/http.h manager/publish.h
