// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/hpo_terms.h"

#include <algorithm>
#include <array>

#include "libs/core/status.h"

namespace genofed::synth {
namespace {

using enum TermSex;

// Identifiers and labels from the Human Phenotype Ontology, release 2024-08-13 (https://hpo.jax.org;
// Gargano et al., Nucleic Acids Research 2024). More frequent terms first.
constexpr auto kTerms = std::to_array<HpoTerm>({
    {"HP:0000822", "Hypertension", kAny},
    {"HP:0001513", "Obesity", kAny},
    {"HP:0005978", "Type II diabetes mellitus", kAny},
    {"HP:0002099", "Asthma", kAny},
    {"HP:0002076", "Migraine", kAny},
    {"HP:0012378", "Fatigue", kAny},
    {"HP:0003124", "Hypercholesterolemia", kAny},
    {"HP:0000545", "Myopia", kAny},
    {"HP:0000716", "Depression", kAny},
    {"HP:0000739", "Anxiety", kAny},
    {"HP:0002019", "Constipation", kAny},
    {"HP:0002027", "Abdominal pain", kAny},
    {"HP:0002758", "Osteoarthritis", kAny},
    {"HP:0001903", "Anemia", kAny},
    {"HP:0002020", "Gastroesophageal reflux", kAny},
    {"HP:0100785", "Insomnia", kAny},
    {"HP:0012532", "Chronic pain", kAny},
    {"HP:0000821", "Hypothyroidism", kAny},
    {"HP:0000964", "Eczematoid dermatitis", kAny},
    {"HP:0011675", "Arrhythmia", kAny},
    {"HP:0001250", "Seizure", kAny},
    {"HP:0000365", "Hearing impairment", kAny},
    {"HP:0001263", "Global developmental delay", kAny},
    {"HP:0001249", "Intellectual disability", kAny},
    {"HP:0000717", "Autism", kAny},
    {"HP:0007018", "Attention deficit hyperactivity disorder", kAny},
    {"HP:0001252", "Hypotonia", kAny},
    {"HP:0001257", "Spasticity", kAny},
    {"HP:0001251", "Ataxia", kAny},
    {"HP:0001337", "Tremor", kAny},
    {"HP:0001332", "Dystonia", kAny},
    {"HP:0009830", "Peripheral neuropathy", kAny},
    {"HP:0001324", "Muscle weakness", kAny},
    {"HP:0002650", "Scoliosis", kAny},
    {"HP:0004322", "Short stature", kAny},
    {"HP:0000098", "Tall stature", kAny},
    {"HP:0000252", "Microcephaly", kAny},
    {"HP:0000256", "Macrocephaly", kAny},
    {"HP:0000175", "Cleft palate", kAny},
    {"HP:0000486", "Strabismus", kAny},
    {"HP:0000639", "Nystagmus", kAny},
    {"HP:0000518", "Cataract", kAny},
    {"HP:0000501", "Glaucoma", kAny},
    {"HP:0000648", "Optic atrophy", kAny},
    {"HP:0000508", "Ptosis", kAny},
    {"HP:0001644", "Dilated cardiomyopathy", kAny},
    {"HP:0001639", "Hypertrophic cardiomyopathy", kAny},
    {"HP:0001631", "Atrial septal defect", kAny},
    {"HP:0001629", "Ventricular septal defect", kAny},
    {"HP:0001634", "Mitral valve prolapse", kAny},
    {"HP:0002616", "Aortic root aneurysm", kAny},
    {"HP:0001873", "Thrombocytopenia", kAny},
    {"HP:0000953", "Hyperpigmentation of the skin", kAny},
    {"HP:0000939", "Osteoporosis", kAny},
    {"HP:0001369", "Arthritis", kAny},
    {"HP:0001382", "Joint hypermobility", kAny},
    {"HP:0002240", "Hepatomegaly", kAny},
    {"HP:0001744", "Splenomegaly", kAny},
    {"HP:0012622", "Chronic kidney disease", kAny},
    {"HP:0000093", "Proteinuria", kAny},
    {"HP:0000787", "Nephrolithiasis", kAny},
    {"HP:0002719", "Recurrent infections", kAny},
    {"HP:0010535", "Sleep apnea", kAny},
    {"HP:0002015", "Dysphagia", kAny},
    {"HP:0000028", "Cryptorchidism", kMale},
    {"HP:0000876", "Oligomenorrhea", kFemale},
    {"HP:0001596", "Alopecia", kAny},
    {"HP:0001508", "Failure to thrive", kAny},
    {"HP:0000421", "Epistaxis", kAny},
    {"HP:0001025", "Urticaria", kAny},
});

}  // namespace

std::span<const HpoTerm> HpoTerms() { return kTerms; }

const HpoTerm& HpoTermOf(std::string_view id) {
  const auto* found = std::ranges::find(kTerms, id, &HpoTerm::id);
  GF_CHECK(found != kTerms.end());
  return *found;
}

}  // namespace genofed::synth
