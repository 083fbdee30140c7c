#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every program with a configuration has a sample in dist/examples that it finds valid, and every sample has its
# program. make check runs it in the build folder.
set -u
top=${srcdir:-.}
faults=0
used=" "

fault() {
	echo "FAULT: $*"
	faults=$((faults + 1))
}

for program in $(cat tests/style/programs.list); do
	help=$("./$program" --help)
	case $? in
	0) ;;
	3) continue ;; # a plugin: "unknown" is what its --help ends with, and it has no file
	*) fault "$program: --help fails" ;;
	esac
	case $help in
	*--check-config*) ;;
	*) continue ;;
	esac
	sample=$(printf '%s\n' "$help" | sed -n 's|^Settings of the configuration file (.*/\([a-z-]*\.conf\) unless.*|\1|p')
	if [ -z "$sample" ] || [ ! -f "$top/dist/examples/$sample" ]; then
		fault "$program: no sample dist/examples/$sample"
		continue
	fi
	used="$used$sample "
	"./$program" --config "$top/dist/examples/$sample" --check-config || fault "$program: $sample is not valid"
	# What the sample says must survive being printed.
	"./$program" --config "$top/dist/examples/$sample" --print-config >"tests/style/$sample.printed" &&
		"./$program" --config "tests/style/$sample.printed" --print-config |
		cmp - "tests/style/$sample.printed" || fault "$program: --print-config is not what it reads"
	rm -f "tests/style/$sample.printed"
done
for file in "$top"/dist/examples/*.conf; do
	case $used in
	*" $(basename "$file") "*) ;;
	*) fault "$file: no program reads it" ;;
	esac
done
echo "samples:$used; $faults faults"
[ "$used" != " " ] && [ "$faults" -eq 0 ]
