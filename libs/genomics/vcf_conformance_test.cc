// SPDX-License-Identifier: Apache-2.0
//
// One row for each rule, written from the specification.
#include "libs/genomics/vcf_conformance.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "libs/genomics/check_vcf.h"
#include "libs/genomics/test_support.h"
#include "libs/genomics/vcf_conformance_values.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

// The header of most rows: 13 lines.
std::string Header(const std::string& version = "VCFv4.2") {
  return "##fileformat=" + version +
         "\n##contig=<ID=1,length=1000>\n##contig=<ID=2>\n"
         "##FILTER=<ID=q10,Description=\"Quality below 10\">\n"
         "##INFO=<ID=I1,Number=1,Type=Integer,Description=\"One number\">\n"
         "##INFO=<ID=FA,Number=A,Type=Float,Description=\"For each ALT\">\n"
         "##INFO=<ID=SR,Number=R,Type=String,Description=\"For each allele\">\n"
         "##INFO=<ID=C1,Number=1,Type=Character,Description=\"One sign\">\n"
         "##INFO=<ID=FL,Number=0,Type=Flag,Description=\"A flag\">\n"
         "##FORMAT=<ID=F2,Number=2,Type=Float,Description=\"Two numbers\">\n"
         "##FORMAT=<ID=CA,Number=A,Type=Character,Description=\"For each ALT\">\n"
         "##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description=\"Depth of a block\">\n"
         "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n";
}

std::string Record(std::string_view fields) {
  std::string line(fields);
  for (char& c : line) {
    if (c == ' ') c = '\t';
    if (c == '~') c = ' ';  // a space in a field
    if (c == '@') c = '\0';
  }
  return line + "\n";
}

// A good record stands before the bad one, which is line 15.
std::string Body(std::string_view fields, const std::string& version = "VCFv4.2") {
  return Header(version) + Record("1 10 . A C . PASS . GT 0/1 0/0") + Record(fields);
}

// A header with one line more, as line 2.
std::string Meta(const std::string& line, const std::string& version = "VCFv4.2") {
  std::string text = Header(version) + Record("1 10 . A C . PASS . GT 0/1 0/0");
  return text.insert(text.find('\n') + 1, line + "\n");
}

std::string SitesOnly(const std::string& meta, const std::string& fields = "1 10 . A C . PASS .") {
  return "##fileformat=VCFv4.2\n" + meta + "\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" +
         Record(fields);
}

std::string Key(const std::string& kind, const std::string& id, const std::string& number,
                const std::string& type) {
  return "##" + kind + "=<ID=" + id + ",Number=" + number + ",Type=" + type + ",Description=\"d\">";
}

struct Bad {
  const char* name;
  std::string text;
  const char* code;
  std::int64_t line;
  const char* field;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

std::vector<Bad> BadFiles() {
  return {
      // Section 1.6: columns.
      {"seven columns", Body("1 20 . A C . PASS"), "MALFORMED_RECORD", 15, ""},
      {"a sample column missing", Body("1 20 . A C . . . GT 0/1"), "MALFORMED_RECORD", 15, ""},
      {"a sample column too many", Body("1 20 . A C . . . GT 0/1 0/0 0/0"), "MALFORMED_RECORD", 15,
       ""},
      {"an empty column", Body("1 20 . A C .  . GT 0/1 0/0"), "MALFORMED_RECORD", 15, ""},
      {"an empty sample column", Body("1 20 . A C . . . GT  0/0"), "MALFORMED_RECORD", 15, ""},
      {"spaces for tabs", Body("1~20~.~A~C~.~.~.~GT~0/1~0/0"), "MALFORMED_RECORD", 15, ""},
      {"a NUL in a site", Body("1 20 . A C . . I1=@ GT 0/1 0/0"), "MALFORMED_RECORD", 15, ""},
      {"a NUL in a sample", Body("1 20 . A C . . . GT:FT 0/1:@ 0/0:x"), "MALFORMED_RECORD", 15, ""},
      // 1.6.1.1 CHROM.
      {"whitespace in CHROM", Body("c~1 20 . A C . . . GT 0/1 0/0"), "BAD_CONTIG", 15, "CHROM"},
      {"a comma in CHROM", Body("c,1 20 . A C . . . GT 0/1 0/0"), "BAD_CONTIG", 15, "CHROM"},
      {"half a bracket in CHROM", Body("<1 20 . A C . . . GT 0/1 0/0"), "BAD_CONTIG", 15, "CHROM"},
      {"no CHROM", Body(". 20 . A C . . . GT 0/1 0/0"), "BAD_CONTIG", 15, "CHROM"},
      // 1.6.1.2 POS.
      {"POS is text", Body("1 2x . A C . . . GT 0/1 0/0"), "BAD_POS", 15, "POS"},
      {"POS is missing", Body("1 . . A C . . . GT 0/1 0/0"), "BAD_POS", 15, "POS"},
      {"POS below 0", Body("1 -1 . A C . . . GT 0/1 0/0"), "BAD_POS", 15, "POS"},
      {"POS behind the contig", Body("1 1002 . A C . . . GT 0/1 0/0"), "POS_OUT_OF_RANGE", 15,
       "POS"},
      {"POS of 2^31", Body("2 2147483648 . A C . . . GT 0/1 0/0"), "POS_OUT_OF_RANGE", 15, "POS"},
      {"POS of 2^64", Body("2 18446744073709551616 . A C . . . GT 0/1 0/0"), "POS_OUT_OF_RANGE", 15,
       "POS"},
      {"REF behind the contig", Body("1 1000 . AC A . . . GT 0/1 0/0"), "POS_OUT_OF_RANGE", 15,
       "REF"},
      {"unsorted", Body("1 9 . A C . . . GT 0/1 0/0"), "UNSORTED", 15, "POS"},
      {"a contig comes again",
       Body("2 9 . A C . . . GT 0/1 0/0") + Record("1 99 . A C . . . GT 0/1 0/0"), "UNSORTED", 16,
       "CHROM"},
      {"a contig comes again by another name",
       Body("2 9 . A C . . . GT 0/1 0/0") + Record("chr1 99 . A C . . . GT 0/1 0/0"), "UNSORTED",
       16, "CHROM"},
      // 1.6.1.3 ID.
      {"whitespace in ID", Body("1 20 rs~1 A C . . . GT 0/1 0/0"), "BAD_ID", 15, "ID"},
      {"ID ends in a semicolon", Body("1 20 rs1; A C . . . GT 0/1 0/0"), "BAD_ID", 15, "ID"},
      {"an id twice", Body("1 20 rs1;rs2;rs1 A C . . . GT 0/1 0/0"), "BAD_ID", 15, "ID"},
      // 1.6.1.4 REF and 1.6.1.5 ALT.
      {"REF is missing", Body("1 20 . . C . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "REF"},
      {"REF is an IUPAC code", Body("1 20 . R C . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "REF"},
      {"REF is a list", Body("1 20 . A,G C . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "REF"},
      {"REF is symbolic", Body("1 20 . <DEL> C . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "REF"},
      {"ALT has another letter", Body("1 20 . A Q . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "ALT"},
      {"ALT has an empty allele", Body("1 20 . A C,,G . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "ALT"},
      {"ALT has a dot in a list", Body("1 20 . A C,. . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "ALT"},
      {"ALT equals REF", Body("1 20 . A a . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "ALT"},
      {"an ALT twice", Body("1 20 . A C,c . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "ALT"},
      {"a symbolic ALT twice", Body("1 20 . A <DEL>,<DEL> . . . GT 0/1 0/0"), "BAD_ALLELE", 15,
       "ALT"},
      {"a bracket in a symbolic ALT", Body("1 20 . A <a<b> . . . GT 0/1 0/0"), "BAD_ALLELE", 15,
       "ALT"},
      {"a breakend without bases", Body("1 20 . A ]1:9] . . . GT 0/1 0/0"), "BAD_ALLELE", 15,
       "ALT"},
      {"a breakend without place", Body("1 20 . A A[2[ . . . GT 0/1 0/0"), "BAD_ALLELE", 15, "ALT"},
      {"a breakend of two brackets", Body("1 20 . A A[1:9] . . . GT 0/1 0/0"), "BAD_ALLELE", 15,
       "ALT"},
      {"a variant twice", Body("1 10 x A C . . . GT 0/1 0/0"), "DUPLICATE_RECORD", 15, "ALT"},
      {"a variant twice in other words",
       Body("1 20 . GAT GCT . . . GT 0/1 0/0") + Record("1 21 . A C . . . GT 0/1 0/0"),
       "DUPLICATE_RECORD", 16, "ALT"},
      // 1.6.1.6 QUAL and 1.6.1.7 FILTER.
      {"QUAL is text", Body("1 20 . A C high . . GT 0/1 0/0"), "BAD_QUAL", 15, "QUAL"},
      {"QUAL below 0", Body("1 20 . A C -1 . . GT 0/1 0/0"), "BAD_QUAL", 15, "QUAL"},
      {"QUAL has a point behind", Body("1 20 . A C 5. . . GT 0/1 0/0"), "BAD_QUAL", 15, "QUAL"},
      {"whitespace in FILTER", Body("1 20 . A C . q~1 . GT 0/1 0/0"), "BAD_FILTER", 15, "FILTER"},
      {"FILTER 0", Body("1 20 . A C . q10;0 . GT 0/1 0/0"), "BAD_FILTER", 15, "FILTER"},
      {"FILTER begins with a semicolon", Body("1 20 . A C . ;q10 . GT 0/1 0/0"), "BAD_FILTER", 15,
       "FILTER"},
      {"PASS and a filter", Body("1 20 . A C . PASS;q10 . GT 0/1 0/0"), "BAD_FILTER", 15, "FILTER"},
      {"a dot and a filter", Body("1 20 . A C . q10;. . GT 0/1 0/0"), "BAD_FILTER", 15, "FILTER"},
      // 1.6.1.8 INFO.
      {"an INFO key with whitespace", Body("1 20 . A C . . I~1=5 GT 0/1 0/0"), "BAD_INFO", 15,
       "INFO"},
      {"an INFO value without key", Body("1 20 . A C . . =5 GT 0/1 0/0"), "BAD_INFO", 15, "INFO"},
      {"an INFO key twice", Body("1 20 . A C . . I1=5;FL;I1=5 GT 0/1 0/0"), "BAD_INFO", 15,
       "INFO/I1"},
      {"an empty INFO value", Body("1 20 . A C . . I1= GT 0/1 0/0"), "BAD_INFO", 15, "INFO/I1"},
      {"a Float for an Integer", Body("1 20 . A C . . I1=5.5 GT 0/1 0/0"), "INFO_TYPE", 15,
       "INFO/I1"},
      {"an Integer of 2^31", Body("1 20 . A C . . I1=2147483648 GT 0/1 0/0"), "INFO_TYPE", 15,
       "INFO/I1"},
      {"an Integer that BCF reserves", Body("1 20 . A C . . I1=-2147483648 GT 0/1 0/0"),
       "INFO_TYPE", 15, "INFO/I1"},
      {"an Integer without value", Body("1 20 . A C . . I1 GT 0/1 0/0"), "INFO_TYPE", 15,
       "INFO/I1"},
      {"text for a Float", Body("1 20 . A C . . FA=1e GT 0/1 0/0"), "INFO_TYPE", 15, "INFO/FA"},
      {"two signs for a Character", Body("1 20 . A C . . C1=ab GT 0/1 0/0"), "INFO_TYPE", 15,
       "INFO/C1"},
      {"a flag with a value", Body("1 20 . A C . . FL=2 GT 0/1 0/0"), "INFO_TYPE", 15, "INFO/FL"},
      {"two values for one", Body("1 20 . A C . . I1=1,2 GT 0/1 0/0"), "INFO_COUNT", 15, "INFO/I1"},
      {"one value for two ALT", Body("1 20 . A C,G . . FA=0.5 GT 0/1 0/0"), "INFO_COUNT", 15,
       "INFO/FA"},
      {"two values for three alleles", Body("1 20 . A C,G . . SR=x,y GT 0/1 0/0"), "INFO_COUNT", 15,
       "INFO/SR"},
      {"the reserved AC, undeclared", Body("1 20 . A C,G . . AC=1 GT 0/1 0/0"), "INFO_COUNT", 15,
       "INFO/AC"},
      {"a count below 0", Body("1 20 . A C . . AN=-1 GT 0/1 0/0"), "INFO_RANGE", 15, "INFO/AN"},
      {"a frequency above 1", Body("1 20 . A C . . AF=1.01 GT 0/1 0/0"), "INFO_RANGE", 15,
       "INFO/AF"},
      {"a CIGAR without length", Body("1 20 . A C . . CIGAR=M GT 0/1 0/0"), "INFO_RANGE", 15,
       "INFO/CIGAR"},
      {"a block that ends before it begins", Body("1 20 . A <NON_REF> . . END=19 GT 0/0 0/0"),
       "BAD_END", 15, "INFO/END"},
      {"a block behind the contig", Body("1 20 . A <*> . . END=1001 GT 0/0 0/0"), "BAD_END", 15,
       "INFO/END"},
      // 1.6.2 FORMAT and samples.
      {"GT is not first", Body("1 20 . A C . . . DP:GT 1:0/1 1:0/0"), "BAD_FORMAT", 15, "FORMAT"},
      {"an empty FORMAT key", Body("1 20 . A C . . . GT: 0/1 0/0"), "BAD_FORMAT", 15, "FORMAT"},
      {"a FORMAT key twice", Body("1 20 . A C . . . GT:DP:DP 0/1 0/0"), "BAD_FORMAT", 15, "FORMAT"},
      {"an undeclared FORMAT key with a dash", Body("1 20 . A C . . . GT:A-B 0/1 0/0"),
       "BAD_FORMAT", 15, "FORMAT"},
      {"a base for an allele number", Body("1 20 . A C . . . GT 0/1 0/C"), "BAD_GENOTYPE", 15,
       "FORMAT/GT"},
      {"an allele is missing behind the slash", Body("1 20 . A C . . . GT 0/1 0/"), "BAD_GENOTYPE",
       15, "FORMAT/GT"},
      {"an allele number below 0", Body("1 20 . A C . . . GT 0/1 0/-1"), "BAD_GENOTYPE", 15,
       "FORMAT/GT"},
      {"a backslash between alleles", Body("1 20 . A C . . . GT 0/1 0\\1"), "BAD_GENOTYPE", 15,
       "FORMAT/GT"},
      {"a genotype of 4.4 in 4.2", Body("1 20 . A C . . . GT 0/1 /0/1"), "BAD_GENOTYPE", 15,
       "FORMAT/GT"},
      {"an empty genotype", Body("1 20 . A C . . . GT:DP 0/1:1 :1"), "BAD_GENOTYPE", 15,
       "FORMAT/GT"},
      {"an allele too many", Body("1 20 . A C . . . GT 0/1 0/2"), "ALLELE_INDEX", 15, "FORMAT/GT"},
      {"a huge allele number", Body("1 20 . A C . . . GT 0/1 0/4294967296"), "ALLELE_INDEX", 15,
       "FORMAT/GT"},
      {"more values than keys", Body("1 20 . A C . . . GT 0/1 0/0:1"), "MALFORMED_RECORD", 15,
       "FORMAT"},
      {"a Float for the reserved DP", Body("1 20 . A C . . . GT:DP 0/1:1 0/0:1.5"),
       "SAMPLE_VALUE_TYPE", 15, "FORMAT/DP"},
      {"text for a Float of a sample", Body("1 20 . A C . . . GT:F2 0/1:1,x 0/0:1,2"),
       "SAMPLE_VALUE_TYPE", 15, "FORMAT/F2"},
      {"one value of two", Body("1 20 . A C . . . GT:F2 0/1:1,2 0/0:1"), "SAMPLE_VALUE_COUNT", 15,
       "FORMAT/F2"},
      {"one value for two ALT of a sample", Body("1 20 . A C,G . . . GT:CA 0/1:x 0/0:x,y"),
       "SAMPLE_VALUE_COUNT", 15, "FORMAT/CA"},
      {"three likelihoods of a haploid call", Body("1 20 . A C . . . GT:PL 0/1:1,2,3 0:1,2,3"),
       "SAMPLE_VALUE_COUNT", 15, "FORMAT/PL"},
      {"likelihoods of another ploidy than GT",
       Body("1 20 . A C . . . GT:GL 0/0/1:0,0,0 0/1:0,0,0"), "SAMPLE_VALUE_COUNT", 15, "FORMAT/GL"},
      {"two likelihoods without GT: diploid", Body("1 20 . A C . . . GL 1,2 1,2,3"),
       "SAMPLE_VALUE_COUNT", 15, "FORMAT/GL"},
      // Section 1.4: the header.
      {"not a pair", Meta("##a remark"), "BAD_META_LINE", 2, "##"},
      {"a pair without value", Meta("##reference="), "BAD_META_LINE", 2, "##reference"},
      {"not closed", Meta("##INFO=<ID=X,Number=1,Type=String,Description=\"d\""), "BAD_META_LINE",
       2, "##INFO"},
      {"a quote inside of quotes",
       Meta("##INFO=<ID=X,Number=1,Type=String,Description=\"a \"b\" c\">"), "BAD_META_LINE", 2,
       "##INFO"},
      {"a quote not closed", Meta("##FILTER=<ID=X,Description=\"d>"), "BAD_META_LINE", 2,
       "##FILTER"},
      {"Type Int", Meta(Key("INFO", "X", "1", "Int")), "BAD_DEFINITION", 2, "##INFO"},
      {"a flag in FORMAT", Meta(Key("FORMAT", "X", "0", "Flag")), "BAD_DEFINITION", 2, "##FORMAT"},
      {"Number N", Meta(Key("FORMAT", "X", "N", "Integer")), "BAD_DEFINITION", 2, "##FORMAT"},
      {"Number P before 4.4", Meta(Key("FORMAT", "X", "P", "Integer")), "BAD_DEFINITION", 2,
       "##FORMAT"},
      {"Description without quotes", Meta("##INFO=<ID=X,Number=1,Type=String,Description=d>"),
       "BAD_DEFINITION", 2, "##INFO"},
      {"no Description", Meta("##INFO=<ID=X,Number=1,Type=String>"), "BAD_DEFINITION", 2, "##INFO"},
      {"no ID", Meta("##FILTER=<Description=\"d\">"), "BAD_DEFINITION", 2, "##FILTER"},
      {"ID in quotes", Meta("##FILTER=<ID=\"X\",Description=\"d\">"), "BAD_DEFINITION", 2,
       "##FILTER"},
      {"a filter 0", Meta("##FILTER=<ID=0,Description=\"d\">"), "BAD_DEFINITION", 2, "##FILTER"},
      {"another order", Meta("##INFO=<ID=X,Type=String,Number=1,Description=\"d\">"),
       "BAD_DEFINITION", 2, "##INFO"},
      {"two meanings of a key", Meta(Key("INFO", "I1", "1", "String")), "DUPLICATE_DEFINITION", 6,
       "##INFO"},
      {"an unknown kind of ALT", Meta("##ALT=<ID=THING,Description=\"d\">"), "BAD_DEFINITION", 2,
       "##ALT"},
      {"a contig of length 0", Meta("##contig=<ID=3,length=0>"), "BAD_DEFINITION", 2,
       "##contig/length"},
      {"two lengths of a contig", Meta("##contig=<ID=1,length=999>"), "DUPLICATE_DEFINITION", 3,
       "##contig"},
      {"a contig with a comma", Meta("##contig=<ID=a,b>"), "BAD_META_LINE", 2, "##contig"},
      {"a mixture of nothing", Meta("##SAMPLE=<ID=S,Mixture=.5;.5,Description=\"d\">"),
       "BAD_DEFINITION", 2, "##SAMPLE"},
      {"three parts of two genomes", Meta("##SAMPLE=<ID=S,Genomes=a;b,Mixture=.5;.3;.2>"),
       "BAD_DEFINITION", 2, "##SAMPLE"},
      {"a parent's name with whitespace", Meta("##PEDIGREE=<Child=a,Mother=b c>"), "BAD_DEFINITION",
       2, "##PEDIGREE"},
      {"an impossible host", Meta("##assembly=ftp://8080:8080/x"), "BAD_META_LINE", 2,
       "##assembly"},
      {"pedigreeDB is no URL", Meta("##pedigreeDB=<>"), "BAD_META_LINE", 2, "##pedigreeDB"},
      {"fileformat again", Meta("##fileformat=VCFv4.2"), "BAD_META_LINE", 2, "##fileformat"},
      {"DP is text", Meta(Key("INFO", "DP", "1", "String")), "RESERVED_KEY_MISDECLARED", 2,
       "##INFO/DP"},
      {"one AC in a file without genotypes", SitesOnly(Key("INFO", "AC", "1", "Integer")),
       "RESERVED_KEY_MISDECLARED", 2, "##INFO/AC"},
      {"PL is one number", Meta(Key("FORMAT", "PL", "1", "Integer")), "RESERVED_KEY_MISDECLARED", 2,
       "##FORMAT/PL"},
      {"AD of 4.3", Meta(Key("FORMAT", "AD", "2", "Integer"), "VCFv4.3"),
       "RESERVED_KEY_MISDECLARED", 2, "##FORMAT/AD"},
      // What makes the header useless.
      {"another format version", "##fileformat=VCFv3.3\n", "BAD_HEADER", 1, "##fileformat"},
      {"no fileformat", "#CHROM\tPOS\n", "BAD_HEADER", 1, "##fileformat"},
      {"no column line", "##fileformat=VCFv4.2\n##a=b\n", "BAD_HEADER", 2, "#CHROM"},
      {"a record before the column line", Meta("1\t2"), "BAD_HEADER", 2, ""},
      {"a fixed column missing", "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tINFO\n",
       "BAD_HEADER", 2, "#CHROM"},
      {"FORMAT without samples",
       "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\n",
       "BAD_HEADER", 2, "#CHROM"},
      {"a sample without name",
       "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\t\n",
       "BAD_HEADER", 2, "#CHROM"},
      {"a sample twice",
       "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\ta\n",
       "DUPLICATE_SAMPLE", 2, "#CHROM"},
      // What is no VCF.
      {"nothing", "", "NOT_VCF", 0, ""},
      {"prose", "hello\n", "NOT_VCF", 0, ""},
      {"UTF-16", std::string("\xFF\xFE#\0#\0", 6), "NOT_VCF", 0, ""},
      {"bzip2", "BZh91AY&SY", "NOT_VCF", 0, ""},
      {"an image", "\x89PNG\r\n\x1a\n", "NOT_VCF", 0, ""},
  };
}

class BadVcf : public ::testing::TestWithParam<Bad> {
 protected:
  TempDir dir_;
};

TEST_P(BadVcf, IsJudgedWithCodeLineAndField) {
  const Bad& bad = GetParam();
  VcfReport report = CheckVcf(WriteText(dir_ / "in.vcf", bad.text));
  std::vector<Finding> wrong;
  for (const Finding& finding : report.findings) {
    if (finding.severity != Severity::kNote) wrong.push_back(finding);
  }
  ASSERT_EQ(wrong.size(), 1U) << (wrong.size() > 1 ? wrong[1].code : "");
  EXPECT_EQ(wrong[0].code, bad.code) << wrong[0].message;
  EXPECT_EQ(wrong[0].line, bad.line);
  EXPECT_EQ(wrong[0].field, bad.field);
  EXPECT_FALSE(wrong[0].message.empty());
  EXPECT_EQ(wrong[0].severity, SeverityOf(*VcfCodeOf(bad.code)));
}

INSTANTIATE_TEST_SUITE_P(Specification, BadVcf, ::testing::ValuesIn(BadFiles()),
                         [](const auto& row) {
                           std::string name;
                           for (char c : std::string_view(row.param.name))
                             name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name + "_" + std::to_string(row.index);
                         });

struct Odd {
  const char* name;
  std::string text;
  const char* note;  // the only code, or empty for none
};

void PrintTo(const Odd& odd, std::ostream* out) { *out << odd.name; }

// What is valid, or deviates in a way that is common and harmless: nothing is set aside.
std::vector<Odd> OddFiles() {
  std::string kgp = Key("INFO", "AC", "1", "Integer");
  std::string bom = "\xEF\xBB\xBF";
  std::string crlf;
  for (char c : Body("1 20 . A C . . . GT 0/1 0/0"))
    crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return {
      {"plain", Body("1 20 . A C . . . GT 0/1 0/0"), ""},
      {"line ends of Windows", crlf, ""},
      {"a byte order mark", bom + Body("1 20 . A C . . . GT 0/1 0/0"), "BYTE_ORDER_MARK"},
      {"no final newline", Header() + "1\t10\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/0", "NO_FINAL_NEWLINE"},
      {"an empty line", Body("1 20 . A C . . . GT 0/1 0/0") + "\n", "BLANK_LINE"},
      {"a header only", Header(), "NO_DATA_LINES"},
      {"sites only", SitesOnly("##source=x"), "NO_SAMPLES"},
      {"4.0",
       "##fileformat=VCFv4.0\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n" +
           Record("1 10 . A C . . . GT 0/1"),
       "OTHER_VERSION"},
      {"4.5", Meta("##source=x", "VCFv4.5"), "OTHER_VERSION"},
      {"AC of the 1000 Genomes file", Meta(kgp), "RESERVED_KEY_LOOSE"},
      {"GQ of freebayes", Meta(Key("FORMAT", "GQ", "1", "Float")), "RESERVED_KEY_LOOSE"},
      {"FT of GATK", Meta(Key("FORMAT", "FT", ".", "String")), "RESERVED_KEY_LOOSE"},
      {"GP of imputation servers", Meta(Key("FORMAT", "GP", "3", "Float")), "RESERVED_KEY_LOOSE"},
      {"NON_REF of GATK", Meta("##ALT=<ID=NON_REF,Description=\"d\">"), ""},
      {"CN2 of the 1000 Genomes Project", Meta("##ALT=<ID=CN2,Description=\"d\">"), ""},
      {"extra attributes",
       Meta("##INFO=<ID=X,Number=1,Type=String,Description=\"a, "
            "\\\"b\\\"\",Source=\"s\",Version=\"1\">"),
       ""},
      {"an IDX of BCF", Meta("##contig=<ID=3,length=9,IDX=7>"), ""},
      {"another order in 4.3",
       Meta("##INFO=<ID=X,Type=String,Number=1,Description=\"d\">", "VCFv4.3"), ""},
      {"a list in brackets", Meta("##META=<ID=A,Type=String,Number=.,Values=[x, y]>", "VCFv4.3"),
       ""},
      {"a sample of MuTect", Meta("##SAMPLE=<ID=TUMOR,SampleName=x,File=y.bam>"), ""},
      {"a command line", Meta("##GATKCommandLine=<ID=X,CommandLine=\"a \"b\" c\">"), ""},
      {"a contig again", Meta("##contig=<ID=2>"), "REPEATED_DEFINITION"},
      {"an undeclared contig", Body("HLA-DRB1 1 . A C . . . GT 0/1 0/0"), "CONTIG_NOT_IN_HEADER"},
      {"a telomere", Body("2 0 . N <DUP> . . . GT 0/1 0/0"), "TELOMERE"},
      {"a telomere at the end", Body("1 1001 . N <DUP> . . . GT 0/1 0/0"), "TELOMERE"},
      {"undeclared keys", Body("1 20 . A C . . NEW=1 GT 0/1 0/0"), "UNDECLARED_KEY"},
      {"an undeclared filter", Body("1 20 . A C . dp5 . GT 0/1 0/0"), "UNDECLARED_FILTER"},
      {"a flag with 1", Body("1 20 . A C . . FL=1 GT 0/1 0/0"), "FLAG_WITH_VALUE"},
      {"a semicolon at the end", Body("1 20 . A C . . FL; GT 0/1 0/0"), "EMPTY_VALUE"},
      {"an empty vector of bcftools", Body("1 20 . A C . . . GT:F2 0/1: 0/0:."), "EMPTY_VALUE"},
      {"three alleles", Body("1 20 . A C . . . GT:PL 0/0/1:0,1,2,3 0/0:1,2,3"), "PLOIDY"},
      {"a likelihood without genotypes", Body("1 20 . A C . . . GL 1,2,3 1,2,3"), "GT_MISSING"},
      {"an allele of the missing ALT", Body("1 20 . A . . . . GT 0/1 0/0"), "MISSING_ALT_CALLED"},
      {"END of a sequence allele", Body("1 20 . A C . . END=5 GT 0/1 0/0"), "END_IGNORED"},
      {"fields left away", Body("1 20 . A C . . . GT:DP:GQ 0/1:5:9 ./."), ""},
      {"everything missing", Body("1 20 . A C . . I1=.;FA=. GT:DP:F2 .:.:. ./.:.:.,."), ""},
      {"likelihoods of no call", Body("1 20 . A C . . . GT:PL .:0,0,0 ./.:0,0,0"), ""},
      {"a block of GATK",
       Body("1 20 . A <NON_REF> . . END=30 GT:DP:MIN_DP:PL 0/0:3:2:0,9,99 0/0:3:2:0,9,99"), ""},
      {"a block of DeepVariant", Body("1 20 . A <*> 0 . END=1000 GT:MIN_DP 0/0:2 0/0:2"), ""},
      {"a variant of a gVCF",
       Body("1 20 . A C,<NON_REF> 9 . . GT:PL 0/1:0,1,2,3,4,5 2/2:0,1,2,3,4,5"), ""},
      {"breakends", Body("1 20 . A A]2:9],[<ctg:1>:7[C,.[1:5[,A. . . . GT 0/1 0/4"), ""},
      {"a spanning deletion", Body("1 20 . AC A,* . . . GT 0/1 1/2"), ""},
      {"symbolic alleles twice",
       Body("1 20 . A <INS> . . . GT 0/1 0/0") + Record("1 20 . A <INS> . . . GT 0/1 0/0"), ""},
      {"two variants at one place",
       Body("1 20 . A C . . . GT 0/1 0/0") + Record("1 20 . A G . . . GT 0/1 0/0"), ""},
      {"QUAL of any kind",
       Body("1 20 . A C 1e-3 . . GT 0/1 0/0") + Record("1 21 . A C inf . . GT 0/1 0/0") +
           Record("1 22 . A C -0.0 . . GT 0/1 0/0"),
       ""},
      {"text with signs", Body("1 20 . A C . . SR=a=b~c,d GT:FT 0/1:q10 0/0:PASS"), ""},
      {"a genotype of 4.4", Body("1 20 . A C . . . GT /0|1 |1", "VCFv4.4"), ""},
      {"a sign of two bytes", Body("1 20 . A C . . C1=\xC3\xA4 GT 0/1 0/0"), ""},
      {"RNC of GLnexus",
       Meta(Key("FORMAT", "RNC", "2", "Character")) +
           Record("1 20 . A C . . . GT:RNC 0/1:.. ./.:II"),
       ""},
      {"a haploid call of Minimac", Body("1 20 . A C . . . GT:F2 0:0.1 0|1:0.1,0.9"), ""},
      {"a key of 4.3", Body("1 20 . A C . . . GT:A_.B 0/1:1 0/0:1", "VCFv4.3"), "UNDECLARED_KEY"},
  };
}

class OddVcf : public ::testing::TestWithParam<Odd> {
 protected:
  TempDir dir_;
};

TEST_P(OddVcf, IsAcceptedWithANoteAtMost) {
  const Odd& odd = GetParam();
  VcfReport report = CheckVcf(WriteText(dir_ / "in.vcf", odd.text));
  EXPECT_EQ(report.set_aside, 0U);
  std::set<std::string> codes;
  for (const Finding& finding : report.findings) {
    EXPECT_EQ(finding.severity, Severity::kNote) << finding.code << " " << finding.message;
    codes.insert(finding.code);
  }
  EXPECT_EQ(codes, *odd.note == '\0' ? std::set<std::string>() : std::set<std::string>{odd.note});
}

INSTANTIATE_TEST_SUITE_P(Specification, OddVcf, ::testing::ValuesIn(OddFiles()),
                         [](const auto& row) {
                           std::string name;
                           for (char c : std::string_view(row.param.name))
                             name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name + "_" + std::to_string(row.index);
                         });

TEST(VcfCodes, AreStableAndExplained) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kVcfCodes; ++i) {
    VcfCode code = static_cast<VcfCode>(i);
    EXPECT_TRUE(names.insert(VcfCodeName(code)).second);
    EXPECT_EQ(VcfCodeOf(VcfCodeName(code)), code);
    EXPECT_FALSE(VcfCodeMeaning(code).empty());
  }
  EXPECT_EQ(SeverityOf(VcfCode::kUnsorted), Severity::kError);
  EXPECT_EQ(SeverityOf(VcfCode::kInfoCount), Severity::kWarning);
  EXPECT_EQ(SeverityOf(VcfCode::kTelomere), Severity::kNote);
}

TEST(VcfValues, NumbersAreThoseOfTheSpecification) {
  for (const char* yes : {"0", "-5", "+5", "007", "2147483647", "-2147483640"})
    EXPECT_TRUE(IsVcfInteger(yes)) << yes;
  for (const char* no : {"", "-", "1.0", "1e3", "2147483648", "-2147483641", " 1", "0x1"})
    EXPECT_FALSE(IsVcfInteger(no)) << no;
  for (const char* yes : {"0", "-.5", "5.25", "1e10", "1E-5", "+1.5e+3", "NaN", "-INF", "infinity"})
    EXPECT_TRUE(IsVcfFloat(yes)) << yes;
  for (const char* no : {"", ".", "1.", "e5", "1e", "1e+", "in", "1,5", "--1", "1.2.3"})
    EXPECT_FALSE(IsVcfFloat(no)) << no;
  EXPECT_TRUE(IsNegative("-0.01") && IsNegative("-inf") && !IsNegative("-0") &&
              !IsNegative("-0.0e5") && !IsNegative("-nan"));
}

TEST(VcfValues, CountsGenotypesLikeTheSpecification) {
  // (alleles + ploidy - 1 choose ploidy): 3 of two alleles, 6 of three, 10 of three at ploidy 3.
  EXPECT_EQ(GenotypeCount(2, 2), 3U);
  EXPECT_EQ(GenotypeCount(3, 2), 6U);
  EXPECT_EQ(GenotypeCount(3, 3), 10U);
  EXPECT_EQ(GenotypeCount(2, 1), 2U);
  EXPECT_EQ(GenotypeCount(1, 7), 1U);
  EXPECT_EQ(GenotypeCount(2, 1'000), 1'001U);
  EXPECT_EQ(GenotypeCount(127, 60), 0xFFFFFFFFU);
}

// What the careful path says of a text of genotypes, one column after the other.
bool SlowScan(std::string_view text, std::size_t samples, std::uint32_t alleles) {
  std::size_t columns = 0;
  for (bool more = true; more; ++columns) {
    std::size_t end = text.find('\t');
    GenotypeFacts facts = CheckGenotype(text.substr(0, end), alleles, false, false);
    if (facts.state != GenotypeFacts::State::kOk || facts.ploidy > 2) return false;
    more = end != std::string_view::npos;
    if (more) text.remove_prefix(end + 1);
  }
  return columns == samples;
}

TEST(VcfValues, TheFastScanAgreesWithTheCarefulOne) {
  rc::check([] {
    auto alleles = *rc::gen::inRange<std::uint32_t>(1, 14);
    auto samples = *rc::gen::inRange<std::size_t>(1, 24);
    // Mostly right, so that the scan runs far; then up to two bytes are changed.
    std::string text;
    for (std::size_t i = 0; i < samples; ++i) {
      if (i > 0) text += '\t';
      text += std::to_string(*rc::gen::inRange<std::uint32_t>(0, alleles));
      text += *rc::gen::element('/', '|', '|');
      text += *rc::gen::inRange(0, 9) == 0
                  ? "."
                  : std::to_string(*rc::gen::inRange<std::uint32_t>(0, alleles));
    }
    for (int changes = *rc::gen::inRange(0, 3); changes > 0; --changes) {
      text[*rc::gen::inRange<std::size_t>(0, text.size())] =
          *rc::gen::element('0', '1', '9', '/', '|', '\t', '.', ':', '\0', '\xB1', '\xFF', '?');
    }
    RC_ASSERT(ScanGenotypes(text, samples, alleles) == SlowScan(text, samples, alleles));
  });
}

TEST(VcfValues, TheFastScanNamesNoOtherLengthRight) {
  EXPECT_TRUE(ScanGenotypes("0|0\t0|1\t1|1\t0/1\t.\t1", 6, 2));
  EXPECT_FALSE(ScanGenotypes("0|0\t0|1\t1|1", 2, 2));
  EXPECT_FALSE(ScanGenotypes("0|0\t0|1\t1|1", 4, 2));
  EXPECT_FALSE(ScanGenotypes("0|0\t0|1\t1|2", 3, 2));
  EXPECT_FALSE(ScanGenotypes("", 1, 2));
  EXPECT_FALSE(ScanGenotypes("0|0\t", 2, 2));
}

// Columns are looked for 64 bytes at a time: tabs and NUL lie at each place of such a block in
// turn.
TEST(VcfConformanceTest, ColumnsEndAtTheirTabsWhereverThoseAre) {
  VcfHeader header;
  header.samples = {"a"};
  std::vector<VcfCode> codes;
  VcfConformance conformance(
      header, [&](const VcfIssue& issue) { codes.push_back(issue.code); }, nullptr);
  for (std::size_t length = 1; length < 200; ++length) {
    const std::string id(length, 'x');
    const std::string pos = std::to_string(length);
    const std::string line = "7\t" + pos + "\t" + id + "\tA\tC\t.\tPASS\t.\tGT\t0/1";
    VcfSite site;
    ASSERT_EQ(conformance.CheckSite(line, length, site), VcfVerdict::kUse) << line;
    EXPECT_THAT(site.columns,
                ::testing::ElementsAre("7", pos, id, "A", "C", ".", "PASS", ".", "GT"));
    EXPECT_EQ(site.samples, "0/1");
    EXPECT_TRUE(codes.empty());
    std::string damaged = line;
    damaged[line.find(id) + length - 1] = '\0';
    EXPECT_EQ(conformance.CheckSite(damaged, length, site), VcfVerdict::kSetAside);
    EXPECT_THAT(codes, ::testing::ElementsAre(VcfCode::kMalformedRecord));
    // One behind the columns belongs to the samples, which are judged by themselves.
    damaged = line;
    damaged.back() = '\0';
    damaged[damaged.find("\tC\t") + 1] = 'G';
    EXPECT_EQ(conformance.CheckSite(damaged, length, site), VcfVerdict::kUse);
    codes.clear();
    EXPECT_EQ(conformance.CheckSite(line.substr(0, line.find("GT") + 2), length, site),
              VcfVerdict::kSetAside);
    EXPECT_THAT(codes, ::testing::ElementsAre(VcfCode::kMalformedRecord));
    codes.clear();
  }
}

TEST(VcfConformanceTest, ASiteCanBeJudgedBeforeItsSamples) {
  VcfHeader header;
  header.samples = {"a", "b"};
  std::vector<VcfCode> codes;
  VcfConformance conformance(
      header, [&](const VcfIssue& issue) { codes.push_back(issue.code); }, nullptr);
  VcfSite site;
  EXPECT_EQ(conformance.CheckSite("chr7\t5\t.\ta\tC,<*>\t.\t.\t.\tGT\t0/1\t0/9", 3, site),
            VcfVerdict::kUse);
  EXPECT_EQ(site.contig, "7");
  EXPECT_EQ(site.pos, 4);
  EXPECT_EQ(site.end, 5);
  EXPECT_EQ(site.ref(), "a");
  EXPECT_THAT(site.alts, ::testing::ElementsAre("C", "<*>"));
  EXPECT_TRUE(site.only_genotypes && site.has_genotypes && site.has_unspecified && !site.is_block);
  EXPECT_EQ(site.samples, "0/1\t0/9");
  EXPECT_EQ(conformance.CheckSamples(site), VcfVerdict::kSetAside);
  EXPECT_EQ(
      conformance.CheckSite("7\t9\t.\tA\t<NON_REF>\t.\t.\tEND=20\tGT:DP\t0/0:1\t0/0", 4, site),
      VcfVerdict::kUse);
  EXPECT_TRUE(site.is_block && site.IsLongBlock() && !site.only_genotypes);
  EXPECT_EQ(site.end, 20);
  EXPECT_EQ(conformance.CheckSamples(site), VcfVerdict::kUse);
  EXPECT_THAT(codes, ::testing::ElementsAre(VcfCode::kAlleleIndex));
  ASSERT_EQ(conformance.contigs().size(), 1U);
  EXPECT_EQ(conformance.contigs()[0].records, 2U);
}

}  // namespace
}  // namespace genofed::genomics
